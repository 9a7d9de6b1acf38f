"""Transcripts as tiers with names, as Praat and ELAN hold them, and back.

A tier is named by what it holds, ``segments``, ``words`` or ``tokens`` (where they are phones, letters or states: by these),
behind whose it is: ``mary - words``, ``channel 2 - words``, ``mary (channel 2) - words``. Tiers of this pattern are found again,
also as other aligners name them (``mary - phone``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.timing import segments_of, tokens_of

_KINDS = {
    "segments": "segments",
    "utterances": "segments",
    "words": "words",
    "word": "words",
    "tokens": "tokens",
    "phones": "tokens",
    "phone": "tokens",
    "letters": "tokens",
    "states": "tokens",
}
_UNITS = {"phones": "phones", "phone": "phones", "letters": "letters", "states": "states"}
"""Units that a tier of tokens is named by."""
_NAME = re.compile(rf"(?:(?P<group>.*) - )?(?P<kind>{'|'.join(_KINDS)})", re.IGNORECASE | re.DOTALL)
HYPOTHESIS = "hypothesis"
"""What tiers added to someone's own file are called."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Spans of one kind.

    Attributes:
        name: as in the file.
        spans: with text; in order of time.
        speaker: where the file says so otherwise than by the name.
    """

    name: str
    spans: tuple[Segment, ...]
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The tiers of one transcript: ``levels`` maps segments, words, tokens to spans; those without spans are left out."""

    name: str
    transcript: Transcript
    levels: dict[str, tuple[Segment, ...]]

    def tier(self, level: str) -> str:
        """What the tier of a level is called."""
        unit = _UNITS.get(self.transcript.unit, level)
        return tier_name(self.name, unit if level == "tokens" else level)


def groups_of(transcripts: Sequence[Transcript]) -> list[Group]:
    """Transcripts with names that differ, and what each has to show.

    Raises:
        DataError: text, but neither times nor a duration.
    """
    groups: list[Group] = []
    for transcript in transcripts:
        name = _group_name(transcript)
        taken = {group.name for group in groups}
        number = 2
        while name in taken:
            name = f"{_group_name(transcript)} {number}".strip()
            number += 1
        levels = {
            "segments": segments_of(transcript),
            "words": tuple(Segment(w.text, w.start, w.end, w.confidence) for w in transcript.words),
            "tokens": tuple(Segment(t.text, t.start, t.end, t.confidence) for t in tokens_of(transcript)),
        }
        groups.append(Group(name, transcript, {level: spans for level, spans in levels.items() if spans}))
    return groups


def tier_name(group: str, kind: str) -> str:
    """The name of a tier.

    >>> tier_name("mary", "words"), tier_name("", "words")
    ('mary - words', 'words')
    """
    return f"{group} - {kind}" if group else kind


def _group_name(transcript: Transcript) -> str:
    speaker = plain(transcript.speaker)
    if transcript.channel is None:
        return speaker
    channel = f"channel {transcript.channel + 1}"
    return f"{speaker} ({channel})" if speaker else channel


def gather(tiers: Sequence[Tier], identity: str, duration: float) -> list[Transcript]:
    """Transcripts from tiers: by their names; where no name is of our pattern, each tier is a transcript of its own.

    Args:
        tiers: in the order of the file.
        identity: id of the transcripts.
        duration: of the recording (s); 0 where it is not known.
    """
    named: dict[str, dict[str, list[Segment]]] = {}
    speakers: dict[str, str] = {}
    units: dict[str, str] = {}
    for tier in tiers:
        found = _NAME.fullmatch(tier.name)
        if found:
            group = found["group"] or ""
            units[group] = units.get(group) or _UNITS.get(found["kind"].lower(), "")
            named.setdefault(group, {}).setdefault(_KINDS[found["kind"].lower()], []).extend(tier.spans)
            speakers[group] = speakers.get(group) or tier.speaker
    if named:
        return [
            replace(_transcript(identity, duration, group, levels, speakers[group]), unit=units[group])
            for group, levels in named.items()
        ]
    several = len(tiers) > 1
    return [
        _transcript(identity, duration, "", {"segments": list(tier.spans)}, tier.speaker or (tier.name if several else ""))
        for tier in tiers
    ]


def _transcript(identity: str, duration: float, group: str, levels: dict[str, list[Segment]], speaker: str) -> Transcript:
    name = re.sub(rf"^{HYPOTHESIS}(?: \d+)?(?: |$)", "", group)
    found = re.fullmatch(r"(?:(?P<speaker>.*) \()?channel (?P<number>[1-9]\d{0,3})(?P<close>\)?)(?: \d+)?", name, re.DOTALL)
    channel = None
    if found and bool(found["close"]) == (found["speaker"] is not None):
        channel, name = int(found["number"]) - 1, found["speaker"] or ""
    segments, words, tokens = (levels.get(level, []) for level in ("segments", "words", "tokens"))
    return Transcript(
        identity,
        " ".join(span.text for span in segments or words or tokens if span.text),
        duration,
        tuple(segments),
        tuple(Word(span.text, span.start, span.end, span.confidence) for span in words),
        tuple(Token(span.text, span.start, span.end, span.confidence) for span in tokens),
        channel=channel,
        speaker=speaker or name,
    )
