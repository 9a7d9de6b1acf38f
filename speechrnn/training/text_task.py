"""Texts: tokens as targets, judged by the errors of greedy decoding."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np

from speechrnn.data.utterance import Utterance
from speechrnn.decoding.attention import greedy_attention
from speechrnn.decoding.greedy import blank_share, greedy
from speechrnn.decoding.neural import greedy_transducer
from speechrnn.errors import DataError, listed
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.ctc import frames_needed
from speechrnn.models.head import AttentionState, FramePosteriors, HeadOutput, TransducerState
from speechrnn.models.heads import spells_by_ctc
from speechrnn.scoring.rates import NONE, Counts, count
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import SPACE, Tokenizer, UnknownSymbol
from speechrnn.training.batches import Item
from speechrnn.training.tasks import model_samples
from speechrnn.training.tokens import make_tokenizer

logger = logging.getLogger("speechrnn")
NAMED = 5
"""How many symbols a message names."""
SAMPLES = 2
"""Decoded utterances shown after each validation."""


class TextTask:
    """Transcripts in tokens.

    Args:
        options: of the model.
        data_dir: where ``lexicon.txt`` is looked for.
        train: training utterances.
    """

    def __init__(self, options: ModelOptions, data_dir: Path, train: Sequence[Utterance]) -> None:
        self._options = options
        self.vocabulary = make_tokenizer(options, data_dir, train)
        self._ctc = spells_by_ctc(options.head)

    def items(self, utterances: Sequence[Utterance], sampling_rate: int, where: str, *, strict: bool = True) -> list[Item]:
        """Utterances with their tokens.

        Args:
            strict: raise on symbols the inventory lacks; otherwise leave such utterances out with a warning (of dev, where a
                rare letter may occur that train lacks; test references keep theirs and count as errors).

        Raises:
            DataError: transcripts with symbols outside the inventory, as a table of symbols with counts and ids.
        """
        items: list[Item] = []
        unknown: Counter[str] = Counter()
        left_out: list[str] = []
        example: dict[str, tuple[str, DataError]] = {}
        for utterance in utterances:
            normalized = normalize(utterance.text, self._options.text)
            try:
                targets = tuple(self.vocabulary.encode(normalized))
            except DataError as error:
                symbol = error.symbol if isinstance(error, UnknownSymbol) else error.message
                unknown[symbol] += 1
                left_out.append(utterance.id)
                example.setdefault(symbol, (utterance.id, error))
                continue
            items.append(Item(utterance.clip, targets, normalized, model_samples(utterance, sampling_rate)))
        if unknown:
            lines = [
                f"  {count} x {example[symbol][1].message} (first in {example[symbol][0]})"
                for symbol, count in unknown.most_common(NAMED)
            ]
            more = f"\n  and {len(unknown) - NAMED} more symbols" if len(unknown) > NAMED else ""
            message = (
                f"{where}: {sum(unknown.values())} transcripts cannot be written in the model's tokens:\n" + "\n".join(lines) + more
            )
            if strict:
                raise DataError(message, next(iter(example.values()))[1].remedy)
            logger.warning("%s\nthey are left out: %s", message, listed(left_out))
        return items

    def frames_needed(self, item: Item) -> int:
        """CTC: a frame a token and one between equal neighbours; other heads write several tokens a frame."""
        return max(frames_needed(list(item.targets)), 1) if self._ctc else 1

    def targets(self, item: Item, speed: float, n_frames: int) -> np.ndarray:
        """Token ids (L,)."""
        return np.array(item.targets, np.int64)

    def fit(self, model: AcousticModel, items: Sequence[Item]) -> None:
        """Nothing is needed."""

    def measure(self) -> TextMeasure:
        """Errors of tokens and words."""
        return TextMeasure(self.vocabulary)


@dataclass
class TextMeasure:
    """Errors of greedy decoding, summed over utterances."""

    tokenizer: Tokenizer
    loss: float = 0.0
    utterances: int = 0
    blank: float = 0.0
    tokens: Counts = NONE
    words: Counts = NONE
    samples: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, items: Sequence[Item | None], losses: Sequence[float], output: HeadOutput, n_frames: Sequence[int]) -> None:
        """Decode a batch and count its errors."""
        for item, loss, (hypothesis, blank) in zip(items, losses, _read(output), strict=True):
            if item is None:
                continue
            text, reference = self.tokenizer.decode(hypothesis), self.tokenizer.decode(item.targets)
            self.loss += loss
            self.utterances += 1
            self.blank += blank
            self.tokens += count(list(item.targets), hypothesis)
            self.words += count(reference.split(), text.split())
            if len(self.samples) < SAMPLES:
                self.samples.append((item.clip.id, reference, text))

    def metrics(self) -> dict[str, float]:
        """dev_loss per utterance, dev_error in %, dev_wer where the model writes word boundaries, share of blank frames."""
        n = max(self.utterances, 1)
        words = {"dev_wer": self.words.percent} if SPACE in self.tokenizer.tokens else {}
        return {"dev_loss": self.loss / n, "dev_error": self.tokens.percent, **words, "dev_blank": self.blank / n}

    def sums(self) -> list[float]:
        """Loss, utterances, blank shares, counts."""
        return [self.loss, self.utterances, self.blank, *astuple(self.tokens), *astuple(self.words)]

    def take(self, sums: Sequence[float]) -> None:
        """Sums over all devices."""
        self.loss, utterances, self.blank, *rest = sums
        whole = [int(x) for x in rest]
        self.utterances, self.tokens, self.words = int(utterances), Counts(*whole[:5]), Counts(*whole[5:])


def _read(output: HeadOutput) -> list[tuple[list[int], float]]:
    """The tokens of each utterance by greedy decoding, and the share of its frames that say nothing."""
    if isinstance(output, TransducerState | AttentionState):
        rows = zip(output.frames.float().cpu().numpy(), output.lengths.tolist(), strict=True)
        frames = [row[:length] for row, length in rows]
        search = greedy_transducer if isinstance(output, TransducerState) else greedy_attention
        paths = search(frames, output.steps)
        silent = (1 - len(np.unique(path.starts)) / max(len(each), 1) for each, path in zip(frames, paths, strict=True))
        return [(path.ids.tolist(), share) for path, share in zip(paths, silent, strict=True)]
    assert isinstance(output, FramePosteriors)
    rows = zip(output.log_probs.float().cpu().numpy(), output.lengths.tolist(), strict=True)
    return [(greedy(row[:length]).ids.tolist(), blank_share(row[:length])) for row, length in rows]
