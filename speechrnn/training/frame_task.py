"""Labels of frames: alignments of manifests as targets, judged by the share of frames that are wrong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from speechrnn.data.spans import label_times, spans_of
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError, listed
from speechrnn.modeldir import model_folder, read_info
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.framewise import FrameHead, FrameOptions
from speechrnn.models.head import FrameClasses, HeadOutput
from speechrnn.text.labels import SILENCE, Labels
from speechrnn.training.batches import Item
from speechrnn.training.tasks import model_samples

logger = logging.getLogger("speechrnn")
SAMPLES = 2
"""Utterances shown after each validation."""


class FrameTask:
    """A label for every encoder frame: that of the span its middle lies in; between spans is silence.

    Args:
        options: of the model.
        train: training utterances; the symbols of their alignments are the labels.

    Raises:
        DataError: no alignment of that level in any of them.
    """

    def __init__(self, options: ModelOptions, train: Sequence[Utterance]) -> None:
        assert isinstance(options.head, FrameOptions)
        self._level = options.head.level
        if options.head.hmm and read_info(model_folder(options.head.hmm))["kind"] != "hmm":
            raise DataError(f"{options.head.hmm}: no hidden Markov model", "give the run or model directory of one")
        found = {item.symbol for utterance in train for item in utterance.alignment.get(self._level, ())}
        if not found:
            known = sorted({level for utterance in train for level in utterance.alignment})
            raise DataError(
                f"no utterance of the training data has an alignment of level {self._level!r}",
                f"there is {', '.join(known)}: set head.level"
                if known
                else "speechrnn align MANIFEST -o ALIGNED.jsonl.gz makes one",
            )
        if self._level == "state":
            unnumbered = sorted(symbol for symbol in found if not symbol.isdecimal())
            if unnumbered:
                raise DataError(
                    f"states of the training data that are no numbers: {listed(unnumbered)}",
                    "tied states have numbers: align with a hidden Markov model; tokens of a network are level phone",
                )
            # Numbers of tied states; one that never won a frame keeps its place.
            names = tuple(str(number) for number in range(1 + max(int(symbol) for symbol in found)))
        else:
            names = (SILENCE, *sorted(found - {SILENCE}))
        self.vocabulary = Labels(names, "frames")
        self._times = label_times(options.sampling_rate, AcousticModel(options, names).frontend.grid, options.model.factor)

    def items(self, utterances: Sequence[Utterance], sampling_rate: int, where: str, *, strict: bool = True) -> list[Item]:
        """Utterances with their spans.

        Raises:
            DataError: alignments that are missing, or that end elsewhere than the audio.
        """
        items, left_out = [], []
        for utterance in utterances:
            try:
                spans = spans_of(utterance, self._level)
                targets = tuple((start, end, self.vocabulary.encode(symbol)[0]) for start, end, symbol in spans)
            except DataError as error:
                if strict:
                    raise DataError(f"{where}: {error.message}", error.remedy) from None
                left_out.append(utterance.id)
                continue
            text = " ".join(symbol for _, _, symbol in spans)
            items.append(Item(utterance.clip, targets, text, model_samples(utterance, sampling_rate)))
        if left_out:
            logger.warning("%s: %d utterances without a fitting alignment left out: %s", where, len(left_out), listed(left_out))
        return items

    def frames_needed(self, item: Item) -> int:
        """One."""
        return 1

    def targets(self, item: Item, speed: float, n_frames: int) -> np.ndarray:
        """A label a frame (T',)."""
        times = speed * self._times(n_frames)
        starts = np.array([start for start, _, _ in item.targets])
        at = np.searchsorted(starts, times, "right") - 1
        ends = np.array([end for _, end, _ in item.targets])
        ids = np.array([label for _, _, label in item.targets], np.int64)
        inside = (at >= 0) & (times < ends[np.maximum(at, 0)])
        if self._level == "state":
            # States have no gaps; what the grids of two models differ by at either end belongs to the nearest.
            return ids[np.clip(at, 0, None)]
        return np.where(inside, ids[np.maximum(at, 0)], 0)

    def fit(self, model: AcousticModel, items: Sequence[Item]) -> None:
        """Tell the head how frequent labels are."""
        assert isinstance(model.head, FrameHead)
        counts = np.zeros(len(self.vocabulary), np.int64)
        for item in items:
            n_frames = int(model.frontend.grid.count(torch.tensor(item.n_samples)))
            counts += np.bincount(self.targets(item, 1.0, n_frames), minlength=len(counts))
        model.head.fit(torch.from_numpy(counts))

    def measure(self) -> FrameMeasure:
        """Wrong frames."""
        return FrameMeasure(self.vocabulary, self)


@dataclass
class FrameMeasure:
    """Wrong frames, over all utterances together."""

    labels: Labels
    task: FrameTask
    loss: float = 0.0
    utterances: int = 0
    wrong: int = 0
    frames: int = 0
    samples: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, items: Sequence[Item | None], losses: Sequence[float], output: HeadOutput, n_frames: Sequence[int]) -> None:
        """Count a batch."""
        assert isinstance(output, FrameClasses)
        best, lengths = output.log_probs.argmax(-1).cpu().numpy(), output.lengths.tolist()
        for row, (item, loss) in enumerate(zip(items, losses, strict=True)):
            if item is None:
                continue
            found = best[row, : lengths[row]]
            self.loss += loss
            self.utterances += 1
            self.frames += len(found)
            self.wrong += int((found != self.task.targets(item, 1.0, n_frames[row])).sum())
            if len(self.samples) < SAMPLES:
                changes = np.flatnonzero(np.append(True, found[1:] != found[:-1]))
                said = [self.labels.tokens[i] for i in found[changes]]
                self.samples.append((item.clip.id, item.text, " ".join(name for name in said if name != SILENCE)))

    def metrics(self) -> dict[str, float]:
        """dev_loss per frame, dev_error: wrong frames in %."""
        n = max(self.frames, 1)
        return {"dev_loss": self.loss / n, "dev_error": 100 * self.wrong / n}

    def sums(self) -> list[float]:
        """Loss, utterances, errors, frames."""
        return [self.loss, self.utterances, self.wrong, self.frames]

    def take(self, sums: Sequence[float]) -> None:
        """Sums over all devices."""
        self.loss, self.utterances, self.wrong, self.frames = sums[0], int(sums[1]), int(sums[2]), int(sums[3])
