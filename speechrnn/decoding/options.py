"""How posteriors become tokens."""

from __future__ import annotations

from dataclasses import dataclass

from speechrnn.errors import UsageError


@dataclass(frozen=True)
class DecodingOptions:
    """``decoding:``."""

    kind: str = "greedy"
    """greedy: the best symbol of each frame."""

    def __post_init__(self) -> None:
        if self.kind != "greedy":
            raise UsageError(f"decoding.kind is {self.kind!r}", "known are: greedy")
