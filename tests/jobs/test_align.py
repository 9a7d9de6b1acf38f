"""The table of scores: whatever recordings are called, a line each."""

from pathlib import Path

from speechrnn.jobs.align import write_scores


def test_names_break_neither_lines_nor_columns(tmp_path: Path) -> None:
    write_scores(tmp_path / "scores.tsv", [("a\tb\nc", -2.5), ("x\udce9.wav", -0.0004), ("né", 0.0)])
    content = (tmp_path / "scores.tsv").read_text(encoding="utf-8")
    assert content == "score\trecording\n-2.500\ta\\tb\\nc\n-0.000\tx\\udce9.wav\n0.000\tné\n"
