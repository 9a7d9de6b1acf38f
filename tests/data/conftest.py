"""Corpora in miniature, as their publishers lay them out, and the contract that every prepared corpus keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speechrnn.checksum import sha256
from speechrnn.data.prepared import Prepared, read_splits


@pytest.fixture
def an4_layout(tmp_path: Path, write_sound: Callable[..., Path]) -> Path:
    """30 train speakers with 6 utterances, 2 test speakers; every container the publisher and others use."""
    root = tmp_path / "an4"
    (root / "etc").mkdir(parents=True)
    words = ["A B C", "THIRTEEN", "NOVEMBER A", "<s> YES", "A", "YES B"]
    suffixes = ["sph", "raw", "flac", "wav"]
    for split, folder, speakers in (("train", "an4_clstk", 30), ("test", "an4test_clstk", 2)):
        ids, lines = [], []
        for speaker in range(speakers):
            for index, text in enumerate(words):
                name = f"an{index}-{split[1]}s{speaker}-b"
                path = f"{folder}/{split[1]}s{speaker}/{name}"
                write_sound(root / "wav" / f"{path}.{suffixes[index % 4]}", seconds=0.1 + 0.01 * index, seed=speaker)
                ids.append(path)
                spoken = text.removeprefix("<s> ")
                lines.append(f"<s> {spoken} </s> ({name})" if split == "train" else f"{spoken} ({name})")
        (root / "etc" / f"an4_{split}.fileids").write_text("\n".join(ids) + "\n", encoding="utf-8")
        (root / "etc" / f"an4_{split}.transcription").write_text("\n".join(lines), encoding="utf-8")
    dictionary = "A  AH\nA(2)  EY\nB  B IY\nC  S IY\nNOVEMBER  N OW V\nTHIRTEEN  TH ER T\nYES  Y EH S\n"
    (root / "etc" / "an4.dic").write_text(dictionary, encoding="utf-8")
    model = (
        "This file is in the ARPA-standard format\n\\data\\ the start\n\\1-grams:\np_1     wd_1 bo_wt_1\n\\2-grams:\n\n"
        "\\data\\\nngram 1=107\nngram 2=1\n\n\\1-grams:\n-2.0253\t<UNK>\t0.0000\n-2.0253\t</s>\t-99.0000\n-99.0000\t<s>\t 0.0000\n"
        "-2.0253\tA\t 0.0000\n-2.0253\tB\t 0.0000\n-1.5\tC\t 0.0000\n-2.0253\tWEAN\t 0.0000\n-2.0253\tYES\t 0.0000\n"
        "\n\\2-grams:\n0.0000 <s> </s>\n\\end\\\n"
    )
    (root / "etc" / "an4.ug.lm").write_text(model, encoding="utf-8")
    return root


@pytest.fixture
def mboshi_layout(tmp_path: Path, write_sound: Callable[..., Path]) -> Path:
    """420 train utterances of 140 sentences, 5 dev; Opus and WAV; alignments that fit, that do not, and none."""
    root = tmp_path / "mboshi (2018)"
    letters = "aáeéiíoóuúεέωώ"
    template = write_sound(tmp_path / "template.opus", seconds=1.0)
    for split, count in (("train", 420), ("dev", 5)):
        folder = root / "full_corpus_newsplit" / split
        aligned = root / "forced_alignments_supervised_spkr" / "align-kit-old" / split
        folder.mkdir(parents=True)
        aligned.mkdir(parents=True)
        for index in range(count):
            name = f"{('abiayi', 'martial')[index % 2]}_2015_elicit.Part{split}_{index}"
            sentence = index % 140 if split == "train" else 500 + index
            text = f"b{letters[sentence % 14]} m{letters[sentence // 14 % 14]}{'wa' * (sentence // 196 + 1)}"
            (folder / f"{name}.opus").write_bytes(template.read_bytes())
            (folder / f"{name}.mb.cleaned").write_text(text + "\n", encoding="utf-8")
            if index != 1:
                (folder / f"{name}.fr").write_text("Voilà\n", encoding="utf-8")
            if index != 2:
                spans = ["SIL 0.0 0.1"]
                for position, letter in enumerate(text.replace(" ", "") if index != 3 else "xyz"):
                    spans.append(f"{letter.upper().replace('Í', 'I')} {0.1 + 0.05 * position:.3f} {0.15 + 0.05 * position:.3f}")
                (aligned / f"{name}.txt").write_text("\n".join(spans) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def fsdd_layout(tmp_path: Path, write_sound: Callable[..., Path]) -> Path:
    """Three digits, three speakers, twelve times."""
    for digit in (0, 3, 9):
        for speaker in ("george", "theo", "lucas"):
            for index in range(12):
                write_sound(tmp_path / "fsdd" / "recordings" / f"{digit}_{speaker}_{index}.wav", 0.2, 8_000)
    return tmp_path / "fsdd"


@pytest.fixture
def yesno_layout(tmp_path: Path, write_sound: Callable[..., Path]) -> Path:
    """Twenty recordings."""
    for number in range(20):
        name = "_".join(f"{number:08b}")
        write_sound(tmp_path / "yesno" / "waves_yesno" / f"{name}.wav", 0.3, 8_000)
    (tmp_path / "yesno" / "waves_yesno" / "README").write_text("60 .wav files\n", encoding="utf-8")
    return tmp_path / "yesno"


@pytest.fixture(scope="session")
def check_corpus() -> Callable[..., dict[str, Any]]:
    """The contract: ``check_corpus(prepare, out, disjoint=("speaker",))``; gives the content of ``corpus.json``.

    Ids are unique over all splits, splits share none of what ``disjoint`` names, every recording exists and is as long
    as its manifest says, ``corpus.json`` tells the truth, and a second run writes the same bytes.
    """

    def check(prepare: Callable[[Path], Prepared], out: Path, disjoint: tuple[str, ...] = ()) -> dict[str, Any]:
        from speechrnn import audio

        prepared = prepare(out)
        assert prepared.directory == out
        first = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
        prepare(out)
        second = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
        assert first == second, "a second run writes other bytes"

        splits = read_splits(out, check_files=True)
        assert list(splits) == ["train", "dev", "test"]
        everything = [utterance for utterances in splits.values() for utterance in utterances]
        assert len({utterance.id for utterance in everything}) == len(everything)
        assert all(utterance.id.split() == [utterance.id] for utterance in everything)
        assert all(utterance.text == " ".join(utterance.text.split()) != "" for utterance in everything)
        for what in ("id", *disjoint):
            values = {split: {getattr(utterance, what) for utterance in utterances} for split, utterances in splits.items()}
            assert not values["train"] & values["dev"], what
            assert not values["train"] & values["test"], what
            assert not values["dev"] & values["test"], what
        for utterance in (everything[0], everything[len(everything) // 2], everything[-1]):
            assert len(audio.read_clip(utterance.clip)) == utterance.num_samples
            assert audio.info(utterance.audio).sampling_rate == utterance.sampling_rate
        for utterance in everything:
            for items in utterance.alignment.values():
                assert all(item.start >= 0 and item.end <= utterance.duration + 0.05 for item in items)
                assert [item.start for item in items] == sorted(item.start for item in items)

        record: dict[str, Any] = json.loads((out / "corpus.json").read_text(encoding="utf-8"))
        for field in ("name", "title", "source", "licence", "consent", "split_rule", "unit"):
            assert record[field], field
        for split, utterances in splits.items():
            row = record["splits"][split]
            assert row["utterances"] == prepared.utterances[split] == len(utterances)
            assert row["hours"] == pytest.approx(sum(utterance.duration for utterance in utterances) / 3600, abs=1e-4)
            assert row["speakers"] == sorted({utterance.speaker for utterance in utterances} - {""})
            assert record["sha256"]["manifests"][f"cuts_{split}.jsonl.gz"] == sha256(out / f"cuts_{split}.jsonl.gz")
        assert not [path for path in out.iterdir() if path.name.startswith(".")], "temporary files are left behind"
        return record

    return check
