"""Mboshi (Bantu C25, Congo-Brazzaville): elicited sentences of three speakers, recorded on a tablet; 16 kHz.

Layout of the publisher's repository (``mboshi-french-parallel-corpus``)::

    full_corpus_newsplit/{train,dev}/NAME.wav                  audio; .wav .opus .flac alike
    full_corpus_newsplit/{train,dev}/NAME.mb.cleaned           transcript: 31 letters, accents mark high tone
    full_corpus_newsplit/{train,dev}/NAME.fr                   French translation
    forced_alignments_supervised_spkr/align-kit-old/{train,dev}/NAME.txt    PHONE START END, in s

The forced alignments are silver, not gold. They write capital letters and drop the tone of i, o, e and u; as they go
through the transcript letter by letter, their times are given to its letters here, and words get their times from them.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from speechrnn.data.prepared import SUFFIXES, Corpus, Prepared, Track, require, silent, whole_file, write_prepared
from speechrnn.data.split import take_groups
from speechrnn.data.utterance import AlignedItem, Utterance
from speechrnn.errors import DataError
from speechrnn.text.files import numbered_lines, read_text
from speechrnn.text.normalize import normalize

DEV_AT_LEAST = 300
"""Utterances in dev."""

CORPUS = Corpus(
    name="mboshi",
    title="Mboshi-French parallel corpus",
    source="https://github.com/besacier/mboshi-french-parallel-corpus",
    licence="made available to the community for reproducible research; cite Godard et al., LREC 2018 (arXiv:1710.03501)",
    consent="recorded in the field by linguists of the BULB project; three speakers, named in the file names",
    split_rule=(
        "the published dev is test, as far as its recordings are at hand; dev is cut from the published train: whole sentences"
        " (all utterances of the same text) in the order of the SHA-256 of the text until there are"
        f" {DEV_AT_LEAST} utterances or more; no sentence is in two splits; the same three speakers are in all (speaker-dependent)"
    ),
    unit="letters",
)
_TEXTS = "full_corpus_newsplit"
_ALIGNMENTS = "forced_alignments_supervised_spkr/align-kit-old"
_SILENCE = "SIL"


def prepare(source: Path, out: Path, *, track: Track = silent) -> Prepared:
    """Manifests with ``phone`` (letters of the orthography) and ``word`` alignments, French as the custom field ``french``.

    Raises:
        DataError: a part of the publisher's layout is missing or says something else.
    """
    for split in ("train", "dev"):
        require(source / _TEXTS / split, CORPUS, Path.is_dir)
    train = _read_split(source, "train", track)
    test = _read_split(source, "dev", track)
    dev, train = take_groups(train, lambda utterance: utterance.text, DEV_AT_LEAST)
    transcripts = sorted((source / _TEXTS).glob("*/*.mb.cleaned"))
    aligned = sum(bool(utterance.alignment) for utterance in (*train, *dev, *test))
    note = "forced alignments of the publisher: silver, not gold"
    splits = {"train": train, "dev": dev, "test": test}
    return write_prepared(out, CORPUS, splits, sources=transcripts, aligned_utterances=aligned, alignment=note)


def _read_split(source: Path, split: str, track: Track) -> list[Utterance]:
    folder = source / _TEXTS / split
    recordings = {path.name.removesuffix(path.suffix): path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}
    if not recordings:
        raise DataError(f"{folder}: no recordings in it", "fetch the corpus with its audio")
    utterances = []
    for name, path in track(sorted(recordings.items()), f"mboshi {split}", len(recordings)):
        text = _read(require(folder / f"{name}.mb.cleaned", CORPUS))
        if not text:
            raise DataError(f"{folder / name}.mb.cleaned: empty", "fetch the corpus again")
        french = folder / f"{name}.fr"
        utterances.append(
            whole_file(
                name,
                path,
                text,
                speaker=name.split("_")[0],
                language="mdw",
                alignment=_alignment(source / _ALIGNMENTS / split / f"{name}.txt", text),
                custom={"french": _read(french)} if french.is_file() else {},
            )
        )
    return utterances


def _read(path: Path) -> str:
    return normalize(read_text(path))


def _alignment(path: Path, text: str) -> dict[str, tuple[AlignedItem, ...]]:
    """Times of letters (with the pauses) and words; none where there is no alignment of this text."""
    if not path.is_file():
        return {}
    spans = []
    for number, line in numbered_lines(path):
        try:
            phone, start, end = line.split()
            spans.append((unicodedata.normalize("NFC", phone), float(start), float(end)))
        except ValueError:
            raise DataError(f"{path}, line {number}: {line!r} is not PHONE START END", "fetch the corpus again") from None
    spoken = [(a, b) for symbol, a, b in spans if symbol != _SILENCE]
    letters = [symbol for symbol, _, _ in spans if symbol != _SILENCE]
    words = text.split()
    if [_plain(letter) for letter in letters] != [_plain(letter) for letter in "".join(words)]:
        return {}
    written = iter("".join(words))
    phones = [
        AlignedItem(symbol if symbol == _SILENCE else next(written), start, round(end - start, 4)) for symbol, start, end in spans
    ]
    timed, position = [], 0
    for word in words:
        first, last = spoken[position], spoken[position + len(word) - 1]
        timed.append(AlignedItem(word, first[0], round(last[1] - first[0], 4)))
        position += len(word)
    return {"word": tuple(timed), "phone": tuple(phones)}


def _plain(letter: str) -> str:
    """A letter without case and tone.

    >>> _plain("Á"), _plain("έ")
    ('a', 'ε')
    """
    return unicodedata.normalize("NFD", letter.lower())[0]
