"""Scoring of files: which units go together, what is missing, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, UsageError
from speechrnn.jobs.score import provenance, score
from speechrnn.reports.files import write_evaluation
from speechrnn.scoring.rates import Counts
from speechrnn.text.normalize import TextOptions


def text(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def hypotheses(path: Path, *records: dict) -> Path:
    base = {"system": "rnn", "unit": "chars", "reference": "", "tokens": []}
    return text(path, *(json.dumps(base | record, ensure_ascii=False) for record in records))


def manifest(path: Path, **texts: str) -> Path:
    write_manifest(
        path, [Utterance(name, path.parent / "a.wav", 8000, 0, 8000, None, words, f"s-{name}") for name, words in texts.items()]
    )
    return path


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return text(tmp_path / "ref", "u1 a b", "u2 c", "u3")


def counts_of(evaluation, name: str, metric: str = "wer") -> Counts:  # type: ignore[no-untyped-def]
    return evaluation.measures[name][metric].counts


def test_plain_files_are_scored_in_words(reference: Path, tmp_path: Path) -> None:
    found = score(reference, [text(tmp_path / "x", "u3 d", "u2 c", "u1 a"), text(tmp_path / "y", "u1 a b", "u2 c", "u3")])
    assert counts_of(found, "x") == Counts(2, 3, 1, 1, 0)
    assert counts_of(found, "y") == Counts(0, 3, 0, 0, 0)
    assert [(pair.a, pair.b) for pair in found.pairs] == [("x", "y")]


def test_characters_and_tokens_by_option(reference: Path, tmp_path: Path) -> None:
    hypothesis = text(tmp_path / "x", "u1 a bb", "u2 c", "u3")
    assert counts_of(score(reference, [hypothesis], unit="char"), "x", "cer") == Counts(1, 4, 1, 0, 0)
    assert counts_of(score(reference, [hypothesis], unit="token"), "x", "per") == Counts(1, 3, 0, 0, 1), "split at spaces"
    letters = counts_of(score(reference, [hypothesis], unit="token", tokens=["a", "b", "c"]), "x", "per")
    assert letters == Counts(1, 3, 1, 0, 0), "split into letters"
    within_words = counts_of(score(reference, [hypothesis], unit="token", tokens=["ab", "bb", "c"]), "x", "per")
    assert within_words == Counts(1, 3, 0, 0, 1), "no letter is read across a word boundary"


def test_a_missing_hypothesis_counts_as_all_deleted_and_is_named(reference: Path, tmp_path: Path) -> None:
    found = score(reference, [text(tmp_path / "x", "u2 c", "u3")])
    assert counts_of(found, "x") == Counts(2, 3, 0, 2, 0)
    assert [(item.id, item.failure) for item in found.systems[0].failed] == [("u1", "no hypothesis")]


def test_unknown_ids_are_refused_with_their_number_and_names(reference: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?m)x: 2 of 3 ids are not in .*ref: u8, u9$") as caught:
        score(reference, [text(tmp_path / "x", "u1 a", "u8 b", "u9 c")])
    assert caught.value.exit_status == 1


def test_many_unknown_ids_are_cut(reference: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?m)v19 and 30 more$"):
        score(reference, [text(tmp_path / "x", *(f"v{number} a" for number in range(50)))])


def test_both_sides_are_normalized_alike(tmp_path: Path) -> None:
    reference, hypothesis = text(tmp_path / "r", "u1 Wá, o."), text(tmp_path / "h", "u1 wa\u0301 O")
    assert counts_of(score(reference, [hypothesis]), "h").errors == 2
    assert counts_of(score(reference, [hypothesis], options=TextOptions(case="lower", remove=".,")), "h").errors == 0


def test_references_from_a_manifest(tmp_path: Path) -> None:
    cuts = manifest(tmp_path / "cuts.jsonl.gz", u1="a b", u2="c")
    found = score(cuts, [text(tmp_path / "x", "u1 a b", "u2 d")])
    assert counts_of(found, "x") == Counts(1, 3, 0, 0, 1)
    assert [(item.speaker, item.duration) for item in found.systems[0].items] == [("s-u1", 1.0), ("s-u2", 1.0)]


def test_speaker_duration_and_noise_of_an_evaluation_are_kept(tmp_path: Path) -> None:
    path = hypotheses(
        tmp_path / "h.jsonl",
        {"id": "u1", "reference": "a", "hypothesis": "a", "speaker": "s", "duration": 2.5, "snr": 0.0},
        {"id": "u2", "reference": "a", "hypothesis": "b"},
    )
    found = score(path, [path])
    assert [(item.speaker, item.duration, item.snr) for item in found.systems[0].items] == [("s", 2.5, 0.0), ("", 0.0, None)]
    write_evaluation(tmp_path / "out", found, provenance(path, TextOptions()))
    again = score(path, [tmp_path / "out/hypotheses.jsonl"])
    assert again.systems[0].items == found.systems[0].items


def test_hypotheses_of_several_systems_with_a_failure(tmp_path: Path) -> None:
    path = hypotheses(
        tmp_path / "hypotheses.jsonl",
        {"id": "u1", "reference": "a b", "hypothesis": "a b"},
        {"id": "u1", "reference": "a b", "hypothesis": "", "system": "hmm", "failure": "cut short"},
    )
    found = score(path, [path])
    assert counts_of(found, "rnn") == Counts(0, 2, 0, 0, 0)
    assert counts_of(found, "hmm") == Counts(2, 2, 0, 2, 0)
    assert [item.id for item in found.systems[1].failed] == ["u1"]


def test_letters_of_a_model_are_scored_as_tokens(tmp_path: Path) -> None:
    record = {"id": "u1", "unit": "letters", "reference": "kpa o", "hypothesis": "kpao", "tokens": ["kp", "a"]}
    own = hypotheses(tmp_path / "own.jsonl", record | {"reference_tokens": ["kp", "a", "o"]})
    assert counts_of(score(own, [own]), "rnn", "per") == Counts(1, 3, 0, 1, 0)
    cuts = manifest(tmp_path / "cuts.jsonl.gz", u1="kpa o")
    with pytest.raises(UsageError, match="not split into letters") as caught:
        score(cuts, [own])
    assert "--tokens" in caught.value.remedy
    assert counts_of(score(cuts, [own], tokens=["kp", "a", "o"]), "rnn", "per") == Counts(1, 3, 0, 1, 0)


def test_words_that_a_lexicon_made_of_phones_are_scored_as_words(tmp_path: Path) -> None:
    phones = {"id": "u1", "unit": "phones", "reference": "NO GO", "hypothesis": "NO", "tokens": ["N", "OW"], "system": "hmm"}
    hmm = hypotheses(tmp_path / "hmm.jsonl", phones | {"reference_tokens": ["N", "OW", "G", "OW"], "words": True})
    network = hypotheses(tmp_path / "c.jsonl", {"id": "u1", "reference": "NO GO", "hypothesis": "GO GO"})
    found = score(text(tmp_path / "r", "u1 NO GO"), [network, hmm])
    assert counts_of(found, "rnn") == Counts(1, 2, 0, 0, 1)
    assert counts_of(found, "hmm") == Counts(1, 2, 0, 1, 0)
    assert counts_of(score(hmm, [hmm], unit="token"), "hmm", "per") == Counts(2, 4, 0, 2, 0)
    # As written, it says so itself.
    write_evaluation(tmp_path / "out", found, provenance(hmm, TextOptions()))
    again = score(hmm, [tmp_path / "out/hypotheses.jsonl"])
    assert [counts_of(again, name) for name in ("rnn", "hmm")] == [Counts(1, 2, 0, 0, 1), Counts(1, 2, 0, 1, 0)]
    assert [item.tokens for system in again.systems for item in system.items] == [(), ("N", "OW")]
    # Beside a model without lexicon, phones are what both hold.
    loop = hypotheses(tmp_path / "p.jsonl", phones | {"hypothesis": "N OW", "system": "loop"})
    assert counts_of(score(hmm, [hmm, loop]), "loop", "per") == Counts(2, 4, 0, 2, 0)


def test_different_units_are_refused(tmp_path: Path) -> None:
    chars = hypotheses(tmp_path / "c.jsonl", {"id": "u1", "hypothesis": "a"})
    phones = hypotheses(tmp_path / "p.jsonl", {"id": "u1", "hypothesis": "AH", "unit": "phones", "tokens": ["AH"], "system": "p"})
    letters = hypotheses(tmp_path / "l.jsonl", {"id": "u1", "hypothesis": "a", "unit": "letters", "tokens": ["a"]})
    ages = hypotheses(tmp_path / "v.jsonl", {"id": "u1", "hypothesis": "30", "unit": "value", "reference": "31", "system": "v"})
    reference, cuts = text(tmp_path / "r", "u1 a"), manifest(tmp_path / "cuts.jsonl.gz", u1="a")
    for wanted, arguments, unit in [
        ("different units: rnn holds words, p holds tokens", (reference, [chars, phones]), None),
        ("p holds phones, which cannot be scored as words", (reference, [phones]), "word"),
        ("rnn was made by a model of characters", (reference, [chars]), "token"),
        ("p holds phones, cuts.jsonl.gz words", (cuts, [phones]), None),
        ("p holds phones, the references letters", (letters, [phones]), None),
        ("v holds numbers, in which there are no words to count", (ages, [ages]), None),
        ("v holds numbers, in which there are no tokens to count", (reference, [ages]), "token"),
        ("v.jsonl holds numbers", (ages, [reference]), "char"),
    ]:
        with pytest.raises(UsageError, match=wanted) as caught:
            score(*arguments, unit=unit)
        assert caught.value.remedy
    assert score(text(tmp_path / "r2", "u1 AH B"), [phones]).measures["p"]["per"].counts == Counts(1, 2, 0, 1, 0)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{"id": "u1", "hypothesis": "a"}] * 2, "system 'rnn' has 'u1' twice"),
        ([{"id": "u1", "hypothesis": "a"}, {"id": "u2"}], "line 2: hypothesis missing"),
        ([{"id": "u1", "hypothesis": "a", "tokens": "a"}], "line 1: tokens missing or of the wrong type"),
    ],
)
def test_damaged_hypotheses_are_refused(records: list[dict], message: str, reference: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        score(reference, [hypotheses(tmp_path / "h.jsonl", *records)])


def test_two_references_for_one_utterance_are_refused(tmp_path: Path) -> None:
    path = hypotheses(
        tmp_path / "h.jsonl",
        {"id": "u", "reference": "a", "hypothesis": ""},
        {"id": "u", "reference": "A", "hypothesis": "", "system": "x"},
    )
    with pytest.raises(DataError, match="'u' has two references: 'a' and 'A'"):
        score(path, [path])


def test_missing_and_damaged_files_are_named(reference: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")
    for path, message in [
        (tmp_path / "none", "no such file"),
        (tmp_path, "cannot be read"),
        (tmp_path / "cut.jsonl.gz", "cannot be read"),
    ]:
        with pytest.raises(DataError, match=message) as caught:
            score(reference, [path])
        assert str(path) in caught.value.message


def test_files_of_the_same_name_are_told_apart(reference: Path, tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        text(tmp_path / folder / "hyp", "u1 a b", "u2 c", "u3")
    found = score(reference, [tmp_path / "x/hyp", tmp_path / "y/hyp", tmp_path / "y/hyp"])
    assert [system.name for system in found.systems] == [
        f"{tmp_path}/x/hyp: hyp",
        f"{tmp_path}/y/hyp: hyp (1)",
        f"{tmp_path}/y/hyp: hyp (2)",
    ]


def test_what_is_written_scores_the_same_when_read_again(tmp_path: Path) -> None:
    cuts = manifest(tmp_path / "cuts.jsonl.gz", u1="kpa o", u2="a")
    first = score(
        cuts, [text(tmp_path / "x", "u1 kp o", "u2 a"), text(tmp_path / "y", "u1 kpa o")], unit="token", tokens=["kp", "a", "o"]
    )
    write_evaluation(tmp_path / "out", first, provenance(cuts, TextOptions()))
    again = score(tmp_path / "out/hypotheses.jsonl", [tmp_path / "out/hypotheses.jsonl"], unit="token")
    assert {name: m["per"].counts for name, m in again.measures.items()} == {
        name: m["per"].counts for name, m in first.measures.items()
    }
    assert again.pairs == first.pairs
