"""The formats there are. A new one is a module beside this file and a line here."""

from __future__ import annotations

from speechrnn.errors import UsageError, nearest
from speechrnn.transcripts import ctm, eaf, json_record, srt, stm, textgrid, tsv, txt, vtt
from speechrnn.transcripts.format import Format

FORMATS: dict[str, Format] = {
    "txt": txt.FORMAT,
    "json": json_record.FORMAT,
    "srt": srt.FORMAT,
    "vtt": vtt.FORMAT,
    "tsv": tsv.FORMAT,
    "ctm": ctm.FORMAT,
    "stm": stm.FORMAT,
    "TextGrid": textgrid.FORMAT,
    "eaf": eaf.FORMAT,
}
ALL = "all"


def choose(names: str) -> list[Format]:
    """Formats by name.

    Args:
        names: one name, several with commas, or ``all``.

    Raises:
        UsageError: an unknown name, with the nearest known one.

    >>> [chosen.name for chosen in choose("json,txt")]
    ['json', 'txt']
    """
    if names == ALL:
        return list(FORMATS.values())
    # Of the names only TextGrid has capitals; nobody should have to remember which.
    spelled = {name.lower(): name for name in FORMATS}
    wanted = list(dict.fromkeys(spelled.get(name.strip().lower(), name.strip()) for name in names.split(",")))
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"format {name!r} is not known", nearest(name, [*FORMATS, ALL]))
    return [FORMATS[name] for name in wanted]
