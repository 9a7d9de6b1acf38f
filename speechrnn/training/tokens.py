"""The tokens a model writes: as given, of a lexicon, or of the training texts."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError
from speechrnn.models.acoustic import ModelOptions
from speechrnn.models.head import TokenOptions
from speechrnn.text.lexicon import read_lexicon
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import Tokenizer, learn_tokens, read_tokens

logger = logging.getLogger("speechrnn")


def make_tokenizer(options: ModelOptions, data_dir: Path, utterances: Iterable[Utterance]) -> Tokenizer:
    """The token inventory: as given, of the lexicon's phones, or learned from the training texts."""
    head, form = options.head, options.text.unicode
    assert isinstance(head, TokenOptions)
    if head.unit == "phones":
        path = head.lexicon or data_dir / "lexicon.txt"
        if not path.is_file():
            raise DataError(
                f"{path}: no such lexicon", "phones are trained through a lexicon: put lexicon.txt there or set head.lexicon"
            )
        lexicon = read_lexicon(path, form)
        phones = {phone for pronunciations in lexicon.values() for pronunciation in pronunciations for phone in pronunciation}
        tokens = read_tokens(head.tokens, form) if head.tokens else ("<blank>", *sorted(phones))
        counts = Counter(word for u in utterances for word in normalize(u.text, options.text).split())
        return Tokenizer(tokens, "phones", lexicon, counts)
    if head.tokens:
        tokenizer = Tokenizer(read_tokens(head.tokens, form), head.unit)
        _report_ambiguities(tokenizer, [normalize(u.text, options.text) for u in utterances])
        return tokenizer
    return Tokenizer(learn_tokens((normalize(u.text, options.text) for u in utterances), head.unit), head.unit)


def _report_ambiguities(tokenizer: Tokenizer, texts: list[str]) -> None:
    """Say where longest match hid another reading, such as ``n`` + ``g`` under ``ng``."""
    readable = [text for text in texts if tokenizer.can_encode(text)]
    for symbol, times in tokenizer.ambiguities(readable).most_common():
        examples = ", ".join([text for text in readable if symbol in text][:2])
        logger.warning("%s is read as one token %d times, though shorter tokens spell it too: %s", symbol, times, examples)
