from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from speechrnn.errors import DataError
from speechrnn.reports.provenance import Provenance
from speechrnn.reports.scores import scores_record
from speechrnn.reports.tables import BEGIN, END, main, markdown, read_scores, rewrite
from speechrnn.scoring.results import Evaluation


@pytest.fixture
def scores(evaluation: Evaluation, provenance: Provenance) -> dict[str, Any]:
    return scores_record(evaluation, provenance)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_a_row_for_each_system_and_rate_and_where_it_comes_from(scores: dict[str, Any]) -> None:
    text = markdown([scores])
    table = [cells(line) for line in text.splitlines() if line.startswith("|")]
    assert [len(row) for row in table] == [8] * 6 + [6] * 4
    assert table[6][:3] == ["systems", "rate", "points"]
    assert table[8][:3] == ["rnn minus hmm", "WER", "**-37.50**"]
    assert table[8][5] == f"{scores['pairs'][0]['matched_pairs']['p']:.3f} (3 segments)"
    assert table[2][:3] == ["rnn", "WER", "**25.00** (1 run)"]
    assert table[2][4:] == ["2 / 8", "1, 0, 1", "2 (66.7 %)", "0.200"]
    assert table[4][6] == "0 (0.0 %), 1 failed"
    for fact in ["2026-01-31", "0123456789", "Processor, 2 cores", "CC0", "Own corpus", "abababababab", "threads 2"]:
        assert fact in text


def test_several_seeds_become_one_row_with_median_and_range(scores: dict[str, Any]) -> None:
    runs = []
    for percent in (8.0, 7.5, 9.0, 7.0):
        run = copy.deepcopy(scores)
        run["systems"] = run["systems"][:1]
        run["systems"][0]["wer"] |= {"percent": percent, "errors": int(10 * percent)}
        runs.append(run)
    row = cells(markdown(runs[:3]).splitlines()[2])
    assert row[2] == "**8.00** (7.50 - 9.00, 3 runs)"
    assert row[4].startswith("80 /"), "counts are those of the median run"
    assert cells(markdown(runs).splitlines()[2])[2] == "**7.50** (7.00 - 9.00, 4 runs)", "of two in the middle the better run"


def test_a_difference_of_several_seeds_is_one_row_with_median_and_range(scores: dict[str, Any]) -> None:
    runs = []
    for points in (-3.0, 1.0, -2.0):
        run = copy.deepcopy(scores)
        run["pairs"][0] |= {"difference": points, "low": points - 1, "p": abs(points) / 10}
        runs.append(run)
    rows = [cells(line) for line in markdown(runs).splitlines() if " minus " in line]
    assert len(rows) == len(scores["pairs"])
    assert rows[0][2] == "**-2.00** (-3.00 to +1.00, 3 runs)"
    assert rows[0][3].startswith("-3.00 to"), "interval and probability are those of the median run"
    assert rows[0][4] == "0.200"


def test_figures_that_are_no_rates_have_a_table_of_their_own(scores: dict[str, Any]) -> None:
    runs = []
    for value in (30.0, 40.0, 35.0):
        run = copy.deepcopy(scores)
        run["systems"] = run["systems"][:1]
        run["systems"][0]["translation"] = {"chrF": {"score": value, "low": value - 1, "high": value + 2, "signature": "s"}}
        run["systems"][0]["segments"] = {"f1": 90.0, "low": 89.0, "high": 91.0}
        runs.append(run)
    rows = [cells(line) for line in markdown(runs).splitlines() if line.startswith("|")]
    assert ["rnn", "chrF", "**35.00** (30.00 - 40.00, 3 runs)", "34.00 - 37.00"] in rows
    assert ["rnn", "segments, F1 %", "**90.00** (90.00 - 90.00, 3 runs)", "89.00 - 91.00"] in rows
    assert "chrF" not in markdown([scores])


def test_runs_that_each_left_a_part_out_are_summed_up(scores: dict[str, Any]) -> None:
    def run(name: str, percent: float) -> dict[str, Any]:
        one = copy.deepcopy(scores)
        one["systems"] = [{key: value for key, value in one["systems"][0].items() if key != "cer"} | {"name": name}]
        one["systems"][0]["wer"]["percent"] = percent
        return one

    runs = [run("words", 3.0), *(run(f"words without {who}", rate) for who, rate in [("ann", 4.0), ("bo_b", 9.0), ("cy", 5.0)])]
    text = markdown([*runs, run("words without cy", 7.0), run("words without cy", 6.0)])
    rows = [cells(line) for line in text.splitlines() if line.startswith("|")][2:6]
    assert [(row[0], row[2]) for row in rows] == [
        ("words", "**3.00** (1 run)"),
        ("words without ann", "**4.00** (1 run)"),
        ("words without bo\\_b", "**9.00** (1 run)"),
        ("words without cy", "**6.00** (5.00 - 7.00, 3 runs)"),
    ]
    assert "\n\nwords, each of 3 left out in turn: WER mean **6.33**, worst 9.00 (bo\\_b).\n\nData " in text
    assert "left out in turn" not in markdown(runs[:1])


def test_scores_of_older_releases_have_no_matched_pairs(scores: dict[str, Any]) -> None:
    for pair in scores["pairs"]:
        del pair["matched_pairs"]
    assert cells(markdown([scores]).splitlines()[9])[5] == "-"
    del scores["pairs"]
    assert "systems" not in markdown([scores])


def test_names_cannot_break_the_table(scores: dict[str, Any]) -> None:
    scores["systems"][0]["name"] = "a|b\n<script>"
    assert "| a\\|b \\<script\\> | WER |" in markdown([scores])


def test_only_what_stands_between_the_markers_is_rewritten() -> None:
    document = f"# Title\n\n{BEGIN}\nold\n{END}\n\nafter\n"
    once = rewrite(document, "| new |\n")
    assert once == f"# Title\n\n{BEGIN}\n| new |\n{END}\n\nafter\n"
    assert rewrite(once, "| new |\n") == once


@pytest.mark.parametrize("document", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_markers_that_are_missing_or_doubled_are_refused(document: str) -> None:
    with pytest.raises(DataError, match="one <!-- table:begin -->"):
        rewrite(document, "")


def test_the_module_as_a_program(scores: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme, file = tmp_path / "README.md", tmp_path / "scores.json"
    readme.write_text(f"# Été\n{BEGIN}\n{END}\n", encoding="utf-8")
    file.write_text(json.dumps(scores))
    subprocess.run([sys.executable, "-m", "speechrnn.reports.tables", readme, file], check=True)
    assert readme.read_text(encoding="utf-8") == f"# Été\n{BEGIN}\n{markdown([scores])}{END}\n"
    assert main(["-", str(file)]) == 0
    assert capsys.readouterr().out == markdown([scores])
    assert main([str(readme)]) == 2
    assert main([str(tmp_path / "none.md"), str(file)]) == 1
    assert main([str(readme), str(tmp_path / "none.json")]) == 1
    assert "none.json: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1}', '{"version": 99, "systems": [1]}'])
def test_other_files_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(DataError, match=r"scores\.json: (not a scores\.json|version 99 was written by a newer release)"):
        read_scores(tmp_path / "scores.json")


def test_numbers_have_a_table_of_their_own(numbers: Evaluation, scores: dict[str, Any], provenance: Provenance) -> None:
    text = markdown([scores_record(numbers, provenance)])
    assert text.startswith("| system | RMSE |"), "no table of rates without a rate"
    table = [cells(line) for line in text.splitlines() if line.startswith("|")]
    assert [len(row) for row in table] == [9] * 4 + [6] * 3
    rmse = numbers.values["rnn"].rmse
    assert table[2][0] == "rnn: age \\<of\\> them"
    assert table[2][1:4] == [f"**{rmse.value:.5g}**", f"{rmse.low:.5g} - {rmse.high:.5g}", f"{numbers.values['rnn'].constant:.5g}"]
    assert table[2][7] == "39, 1 failed"
    assert table[6][1:3] == ["RMSE", f"**{numbers.pairs[0].difference.difference:+.5g}**"]
    both = markdown([scores, scores_record(numbers, provenance)])
    assert both.startswith("| system | rate |")
    assert "\n\n| system | RMSE |" in both
