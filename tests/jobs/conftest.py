"""A recognizer that needs no model: it reads a file as text, so jobs can be tested for what they do around recognition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from speechrnn.audio import Clip
from speechrnn.errors import DataError
from speechrnn.records import Token, Transcript
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer, learn_tokens


class FakeRecognizer:
    """Hears what ``heard`` says, or the content of the file; a file that holds ``broken`` cannot be read."""

    def __init__(
        self, heard: dict[str, str] | None = None, tokenizer: Tokenizer | None = None, text: TextOptions = TextOptions()
    ) -> None:
        self.heard = heard
        self.tokenizer = tokenizer or Tokenizer((BLANK, SPACE, *"abcdefghijklmnopqrstuvwxyz"), "chars")
        self.text_options = text
        self.sampling_rate = 16_000
        self.writes_words = self.tokenizer.unit == "chars"
        self.options: dict[str, Any] = {}

    def transcribe(self, audio: Any, *, sample_rate: int | None = None) -> Transcript:
        return next(self.transcribe_many([audio]))

    def transcribe_many(
        self,
        audio: Iterable[Any],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Any = None,
        **options: Any,
    ) -> Iterator[Transcript]:
        self.options = options
        for item in audio:
            clip = item if isinstance(item, Clip) else Clip(str(item), Path(item))
            text = (self.heard or {}).get(clip.id) if self.heard is not None else clip.path.read_text()
            if text is None or text == "broken":
                error = DataError(f"{clip.path}: cut short", "record it again")
                if on_error is None:
                    raise error
                on_error(clip, error)
                continue
            symbols = text.split() if self.tokenizer.unit == "phones" else [SPACE if c == " " else c for c in text]
            tokens = tuple(Token(symbol, 0.1 * i, 0.1 * i + 0.05, 0.9) for i, symbol in enumerate(symbols))
            yield Transcript(clip.id, text, 1.0, tokens=tokens, channel=clip.channel, model="fake@1")

    def info(self) -> dict[str, Any]:
        return {
            "kind": "rnn",
            "name": "fake",
            "weights": 12,
            "sha256": {"weights.safetensors": "ab" * 32},
            "data": {"title": "Own", "licence": "CC0"},
        }


@pytest.fixture
def fake() -> type[FakeRecognizer]:
    return FakeRecognizer


@pytest.fixture
def letters() -> Tokenizer:
    return Tokenizer(learn_tokens(["kpa o"], "letters"), "letters")
