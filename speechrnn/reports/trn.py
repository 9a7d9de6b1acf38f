"""sclite's trn format, for those who must run sclite: a line an utterance, its words, then ``(speaker-id)``.

    sclite -r NAME.ref.trn trn -h NAME.hyp.trn trn -i spu_id -s -e utf-8

``-s`` tells capitals from small letters, as we do. What sclite takes for signs of its own (braces, parentheses, ``@``, ``;``) is
written as ``%`` and two hexadecimal digits, alike on both sides, so that counts stay. sclite's alignment costs 4 for a
substitution and 3 for an insertion or deletion, where ours costs 1 each: on rare occasions it counts an insertion and a
deletion where we count two substitutions.

Source: the documentation of sclite (SCTK), file format trn.
"""

from __future__ import annotations

import re

from speechrnn.scoring.results import Item, System
from speechrnn.transcripts.nist import encode_id, word

_SIGNS = re.compile(r"[{}()%]|^[@;*/]+$|^;|^-+$")


def trn(system: System) -> tuple[str, str]:
    """Content of two files, reference and hypothesis, in the units of the system's headline rate."""
    metric = system.metrics[0]
    sides = [item.sides(metric) for item in system.items]
    reference, hypothesis = (
        "".join(_line(item, pair[side]) for item, pair in zip(system.items, sides, strict=True)) for side in (0, 1)
    )
    return reference, hypothesis


def _line(item: Item, tokens: list[str]) -> str:
    speaker = re.sub("[-_]", lambda found: f"%{ord(found[0]):02X}", _id(item.speaker or "none"))
    return " ".join([*(_word(token) for token in tokens), f"({speaker}-{_id(item.id)})"]) + "\n"


def _id(text: str) -> str:
    return re.sub("[()]", lambda found: f"%{ord(found[0]):02X}", encode_id(text))


def _word(token: str) -> str:
    plain = "<space>" if token == " " else word(token)
    return _SIGNS.sub(lambda found: "".join(f"%{ord(sign):02X}" for sign in found[0]), plain)
