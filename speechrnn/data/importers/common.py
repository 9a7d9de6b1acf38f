"""What importers share: their options, splitting what comes without a split, and telling what was left out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from speechrnn.data.prepared import Corpus, Prepared, write_prepared
from speechrnn.data.split import overlap, split_in_three
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, UsageError, listed

logger = logging.getLogger("speechrnn")
SPEAKER_SOURCES = ("none", "folder", "prefix")
SPLIT_KEYS = ("auto", "sentence", "speaker")
ENOUGH_SPEAKERS = 10
"""From here on, ``auto`` keeps every speaker in one split."""


@dataclass(frozen=True)
class ImportOptions:
    """How recordings become a data directory."""

    speaker_from: str = "none"
    """folder: the name of the folder a recording lies in; prefix: the file name up to the first ``_`` or ``-``; none."""
    split_by: str = "auto"
    """sentence: equal transcripts stay together; speaker: so do a speaker's recordings; auto: speaker from ten speakers on."""
    dev: float = 0.1
    """Share of the utterances that goes to dev, where the source does not say."""
    test: float = 0.1
    """Share of the utterances that goes to test, where the source does not say."""
    language: str = ""
    """BCP 47 tag of the language spoken."""
    licence: str = "not stated"
    """Terms of use, for corpus.json and models trained on the data."""
    consent: str = "not stated"
    """What is known of the speakers' consent, for corpus.json."""

    def __post_init__(self) -> None:
        if self.speaker_from not in SPEAKER_SOURCES:
            raise UsageError(f"speaker-from is {self.speaker_from!r}", f"choose one of {', '.join(SPEAKER_SOURCES)}")
        if self.split_by not in SPLIT_KEYS:
            raise UsageError(f"split-by is {self.split_by!r}", f"choose one of {', '.join(SPLIT_KEYS)}")
        if not (0 <= self.dev < 1 and 0 <= self.test < 1 and self.dev + self.test < 1):
            raise UsageError(f"dev {self.dev} and test {self.test} leave no train", "give shares such as 0.1 and 0.1")


def finish(
    source: Path,
    out: Path,
    kind: str,
    given: dict[str, list[Utterance]],
    options: ImportOptions,
    *,
    problems: Sequence[str],
    transcripts: Sequence[Path],
) -> Prepared:
    """Split what is not split yet and write the data directory.

    Args:
        given: utterances by split; only ``train``: dev and test are cut from it; without ``dev``: dev is.
        problems: what was left out and why, a line each.
        transcripts: files whose checksum is recorded.

    Raises:
        DataError: nothing is left to train on.
    """
    if not given.get("train"):
        detail = f": {problems[0]}" if problems else ""
        raise DataError(
            f"{source}: no utterance with a recording and a transcript{detail}", "see docs/data.md for the layout expected"
        )
    splits, rule = _split(given, options)
    if not splits.get("dev"):
        logger.warning("no utterance is left for dev, without which nothing can be trained: give --dev above 0, or more recordings")
    texts = [utterance.text for utterances in splits.values() for utterance in utterances]
    corpus = Corpus(
        name=source.resolve().name,
        title=f"{source.resolve().name}, imported from {kind}",
        source=str(source.resolve()),
        licence=options.licence,
        consent=options.consent,
        split_rule=rule,
        unit="chars" if any(" " in text for text in texts) else "letters",
    )
    return write_prepared(out, corpus, splits, sources=transcripts, problems=problems)


def _split(given: dict[str, list[Utterance]], options: ImportOptions) -> tuple[dict[str, list[Utterance]], str]:
    if given.get("dev"):
        return given, "as the source has them"
    speakers = {utterance.speaker for utterance in given["train"]} - {""}
    by_speaker = options.split_by == "speaker" or (options.split_by == "auto" and len(speakers) >= ENOUGH_SPEAKERS)
    test = 0.0 if given.get("test") else options.test
    splits, rule = split_in_three(given["train"], "speaker" if by_speaker else "sentence", options.dev, test)
    shared = {
        name for both in overlap({split: [u.speaker for u in chosen] for split, chosen in splits.items()}).values() for name in both
    }
    if options.split_by == "speaker" and shared:
        who = f"speakers in several splits: {listed(sorted(shared))}" if shared != {""} else "no speakers are known"
        logger.warning("--split-by speaker cannot be kept everywhere, %s; single utterances were taken", who)
    if given.get("test"):
        splits["test"] = given["test"]
        rule = f"test as the source has it; {rule}"
    return splits, rule


def describe(names: Sequence[str], what: str) -> list[str]:
    """One problem for each name: ``NAME: what``."""
    return [f"{name}: {what}" for name in names]
