"""CMU Census (AN4): spelled names and addresses, numbers, dates and control words, read by 84 speakers in 1991.

Layout of the publisher's archive (``an4_sphere.tar.gz`` or ``an4_raw.bigendian.tar.gz``)::

    an4/etc/an4_{train,test}.fileids            an4_clstk/fash/an251-fash-b
    an4/etc/an4_{train,test}.transcription      <s> YES </s> (an251-fash-b)
    an4/etc/an4.dic, an4.ug.lm                  pronunciations, a flat unigram
    an4/wav/an4_clstk/SPEAKER/NAME.sph          train; an4test_clstk for test; .sph .raw .flac .wav alike

No speaker is in both train and test. Dev is cut from train by whole speakers.
"""

from __future__ import annotations

import re
from pathlib import Path

from speechrnn.atomic import write_text
from speechrnn.data.prepared import Corpus, Prepared, Track, find_audio, require, silent, whole_file, write_prepared
from speechrnn.data.split import take_groups
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError
from speechrnn.text.files import numbered_lines, read_text
from speechrnn.text.lexicon import Lexicon, add, write_lexicon

DEV_AT_LEAST = 100
"""Utterances in dev."""

CORPUS = Corpus(
    name="an4",
    title="CMU Census (AN4)",
    source="http://www.speech.cs.cmu.edu/databases/an4/",
    licence="free for any purpose under a BSD-like licence (an4/LICENSE); copyright 1991-2005 Carnegie Mellon University",
    consent="recorded at Carnegie Mellon University about 1991 and published by it; speakers are named by codes",
    split_rule=(
        "train and test as published; dev is cut from train: whole speakers in the order of the SHA-256 of their names"
        f" until there are {DEV_AT_LEAST} utterances or more; no speaker is in two splits"
    ),
    unit="chars",
)
_LINE = re.compile(r"^(?:<s>\s+)?(?P<text>.*?)(?:\s+</s>)?\s*\((?P<name>[^()\s]+)\)\s*$")
_COMMON = -2.0253
"""log10 probability that the publisher's language model gives to nearly every word."""


def prepare(source: Path, out: Path, *, track: Track = silent) -> Prepared:
    """Manifests, ``lexicon.txt``, ``lm.arpa`` (repaired) and ``lm.publisher.arpa``.

    Raises:
        DataError: a file of the publisher's layout is missing or says something else.
    """
    etc = require(source / "etc" / "an4_train.fileids", CORPUS).parent
    train = _read_split(source, "train", track)
    test = _read_split(source, "test", track)
    dev, train = take_groups(train, lambda utterance: utterance.speaker, DEV_AT_LEAST)
    lexicon = read_dictionary(require(etc / "an4.dic", CORPUS))
    publisher = read_text(require(etc / "an4.ug.lm", CORPUS))
    write_lexicon(out / "lexicon.txt", lexicon)
    write_text(out / "lm.publisher.arpa", publisher)
    write_text(out / "lm.arpa", repair_language_model(publisher, lexicon))
    sources = [etc / f"an4_{split}.{kind}" for split in ("train", "test") for kind in ("fileids", "transcription")]
    return write_prepared(out, CORPUS, {"train": train, "dev": dev, "test": test}, sources=sources)


def _read_split(source: Path, split: str, track: Track) -> list[Utterance]:
    texts = _read_transcription(require(source / "etc" / f"an4_{split}.transcription", CORPUS))
    names = read_text(require(source / "etc" / f"an4_{split}.fileids", CORPUS)).split()
    utterances = []
    for name in track(names, f"an4 {split}", len(names)):
        path = find_audio(source / "wav" / name)
        if path.stem not in texts:
            raise DataError(f"{name}: named in an4_{split}.fileids, not in an4_{split}.transcription", "fetch the corpus again")
        utterances.append(whole_file(path.stem, path, texts[path.stem], speaker=path.parent.name, language="en"))
    return utterances


def _read_transcription(path: Path) -> dict[str, str]:
    """Name -> words; train lines carry ``<s> … </s>``, test lines do not."""
    texts = {}
    for number, line in numbered_lines(path):
        match = _LINE.match(line)
        if match is None:
            raise DataError(f"{path}, line {number}: {line!r} is not WORDS (name)", "fetch the corpus again")
        texts[match["name"]] = " ".join(match["text"].split()).upper()
    return texts


def read_dictionary(path: Path) -> Lexicon:
    """The publisher's dictionary: ``WORD  PH PH``, further pronunciations as ``WORD(2)``."""
    lexicon: Lexicon = {}
    for number, line in numbered_lines(path):
        word, *pronunciation = line.split()
        if not pronunciation:
            raise DataError(f"{path}, line {number}: {line!r} has no phones", "fetch the corpus again")
        add(lexicon, re.sub(r"\(\d+\)$", "", word), tuple(pronunciation))
    return lexicon


def repair_language_model(text: str, lexicon: Lexicon) -> str:
    """The publisher's flat unigram as a valid ARPA file over exactly the words of the lexicon.

    Its header counts words that are not there, it lacks two words that the test speaks (THIRTEEN, NOVEMBER) and has
    five that cannot be pronounced. The two enter at the common weight, the five leave; as the weights are all the
    same, nothing else changes.
    """
    _, _, body = text.partition("\n\\data\\\n")  # the explanation before it names the same marks
    weights = {}
    for line in body.partition("\\1-grams:\n")[2].partition("\\2-grams:")[0].splitlines():
        if line.strip():
            weight, word, _ = line.split()
            weights[word] = float(weight)
    if not {"<UNK>", "</s>", "<s>"} <= weights.keys():
        raise DataError("an4.ug.lm lacks <UNK>, <s> or </s>", "fetch the corpus again")
    words = {word: weights.get(word, _COMMON) for word in sorted(lexicon)}
    lines = [f"{weights['<UNK>']:.4f}\t<UNK>\t0.0000", f"{weights['</s>']:.4f}\t</s>", "-99.0000\t<s>\t0.0000"]
    lines += [f"{weight:.4f}\t{word}\t0.0000" for word, weight in words.items()]
    head = f"\\data\\\nngram 1={len(lines)}\nngram 2=1\n\n\\1-grams:\n"
    return head + "\n".join(lines) + "\n\n\\2-grams:\n0.0000\t<s>\t</s>\n\n\\end\\\n"
