"""``decoding.yaml``: what is written is read, for these helpers and these weights only; damage is named."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speechrnn.decoding.confidence import Calibration
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.tuned import FILE, Tuned, find, key, read_tuned, tuned_decoder, write_tuned
from speechrnn.errors import DataError
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer

OURS = "ab" * 32
TUNED = Tuned(
    "lm.arpa", "cuts_dev.jsonl.gz", "cd" * 32, "wer", 53, 581, 0.5, -1.25, word_confidence=Calibration(0.5, 0.8)
)  # fmt: skip


def write(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_tuned(tmp_path, OURS, {"greedy": TUNED})
    assert read_tuned(tmp_path, OURS) == {"greedy": TUNED}
    assert TUNED.weights == {"lm_weight": 0.5, "word_bonus": -1.25}
    assert TUNED.apply(DecodingOptions(beam=7)) == DecodingOptions(beam=7, lm_weight=0.5, word_bonus=-1.25)
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_other_helpers_entries_stay_and_the_order_of_writing_leaves_no_trace(tmp_path: Path) -> None:
    other = replace(TUNED, errors=7)
    write_tuned(tmp_path, OURS, {"b": TUNED})
    write_tuned(tmp_path, OURS, {"a": other})
    assert read_tuned(tmp_path, OURS) == {"a": other, "b": TUNED}
    first = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).unlink()
    write_tuned(tmp_path, OURS, {"a": other, "b": TUNED})
    assert (tmp_path / FILE).read_bytes() == first


def test_helpers_are_known_by_what_their_files_hold(tmp_path: Path) -> None:
    one, copy, two = (tmp_path / name for name in ("one", "copy", "two"))
    one.write_text("x")
    copy.write_text("x")
    two.write_text("y")
    assert key(Helpers(lm=one)) == key(Helpers(lm=copy)) != key(Helpers(lm=two))
    assert key(Helpers(lm=one)) != key(Helpers(letter_lm=one)), "what a file is for counts"
    assert len({key(Helpers(lm=one, lexicon=two)), key(Helpers(lm=two, lexicon=one)), key(Helpers(lm=one))}) == 3
    assert key(Helpers(lm=one, hotwords=(("a", 1.0),))) == key(Helpers(lm=one))
    assert (key(None), key(Helpers(), "beam")) == ("greedy", "beam")
    assert key(Helpers(lm=tmp_path / "missing")) is None


def test_a_model_directory_counts_by_the_checksums_that_it_lists(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "copy", "two")]
    for folder, listing in zip(folders, ("x", "x", "y"), strict=True):
        folder.mkdir()
        (folder / "model.json").write_text(listing)
        (folder / "README.md").write_text(folder.name)
    one, copy, two = (key(Helpers(rescore=folder)) for folder in folders)
    assert one == copy != two
    (folders[0] / "model.json").unlink()
    assert key(Helpers(rescore=folders[0])) is None


def test_found_for_the_same_helpers_only(tmp_path: Path) -> None:
    lm = tmp_path / "lm.arpa"
    lm.write_text("x")
    name = key(Helpers(lm=lm))
    assert name is not None
    write_tuned(tmp_path, OURS, {name: TUNED})
    assert find(tmp_path, OURS, Helpers(lm=lm)) == TUNED
    assert find(tmp_path, OURS, None) is None
    assert find(tmp_path, OURS, Helpers(lm=tmp_path / "missing")) is None
    lm.write_text("changed")
    assert find(tmp_path, OURS, Helpers(lm=lm)) is None
    assert find(tmp_path / "elsewhere", OURS, None) is None


def test_a_copy_beside_another_model_is_not_used_and_written_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_tuned(tmp_path, OURS, {"greedy": TUNED})
    with caplog.at_level(logging.WARNING):
        assert read_tuned(tmp_path, "00" * 32) == {}
    assert "tuned for another model, so not used" in caplog.text
    write_tuned(tmp_path, "00" * 32, {"beam": TUNED})
    assert read_tuned(tmp_path, "00" * 32) == {"beam": TUNED}


HEAD = f"version: 1\nweights_sha256: {OURS}\ndecoders:\n"
ENTRY = "  greedy: {helpers: none, manifest: m, manifest_sha256: s, metric: wer, errors: 1, tokens: 2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no mapping"),
        ("version: 1\n", "not what speechrnn tune writes, or damaged"),
        ("version: 2\n", "format 2; this release reads up to 1"),
        (HEAD.replace("version: 1", "version: one") + "  {}\n", "damaged"),
        (HEAD + "  [greedy]\n", "damaged"),
        (HEAD + "  greedy: 7\n", "is no group of values"),
        (HEAD + "  {}\nextra: 1\n", "damaged"),
        (HEAD + ENTRY + ", lm_wieght: 1}\n", "unknown key lm_wieght: did you mean 'lm_weight'?"),
        (HEAD + ENTRY + ", lm_weight: -1}\n", "decoding.lm_weight is -1.0"),
        (HEAD + ENTRY + ", lm_weight: .nan}\n", "lm_weight is nan"),
        (HEAD + ENTRY + ", lm_weight: [1]}\n", "lm_weight is"),
        (HEAD + ENTRY.replace("errors: 1", "errors: -1") + "}\n", "-1 errors"),
        (HEAD + ENTRY + ", word_confidence: {slope: -1, offset: 0}}\n", "slope -1.0"),
        (HEAD + ENTRY + ", word_confidence: 5}\n", "not a group of values"),
        (HEAD + "  greedy: {helpers: none}\n", "manifest is required"),
        (HEAD + "  greedy: !!python/object/apply:os.system [true]\n", "no valid YAML"),
        (HEAD + "  greedy: ${oc.env:HOME}\n", "interpolation"),
        (HEAD + "  greedy: &a [1]\n  beam: *a\n", "anchors"),
        (HEAD + ENTRY, "no valid YAML"),
    ],
)
def test_damage_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        read_tuned(write(tmp_path, text), OURS)
    assert str(tmp_path / FILE) in error.value.message
    assert message in error.value.message
    assert "\n" not in error.value.message
    with pytest.raises(DataError):
        write_tuned(tmp_path, OURS, {"greedy": TUNED})


def test_the_decoder_is_tuned_unless_told_otherwise(tmp_path: Path) -> None:
    tokenizer = Tokenizer((BLANK, SPACE, "a", "b"), "chars")
    lm = tmp_path / "lm.arpa"
    lm.write_text("\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\n-1\t</s>\n-1\ta\n-1\tb\n\n\\end\\\n")
    helpers = Helpers(letter_lm=lm)
    name = key(helpers)
    assert name is not None
    write_tuned(tmp_path, OURS, {name: replace(TUNED, lm_weight=None, word_bonus=None, letter_weight=0.125)})
    folder = (tmp_path, OURS, tokenizer, TextOptions())
    assert "weight 0.125" in tuned_decoder(*folder, None, helpers).description
    assert "weight 0.75" in tuned_decoder(*folder, DecodingOptions(letter_weight=0.75), helpers).description
    assert tuned_decoder(*folder).description == "greedy"
    log_probs = np.log(np.array([[0.1, 0.1, 0.7, 0.1]], np.float32))
    (sure,) = tuned_decoder(*folder, None, helpers)(log_probs).confidences
    (raw,) = tuned_decoder(*folder)(log_probs).confidences
    assert raw == pytest.approx(0.7)
    assert sure == pytest.approx(float(Calibration(0.5, 0.8)(np.array([0.7]))[0]))
