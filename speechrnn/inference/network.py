"""A stored network on its device: samples to log posteriors, or what else its decoder reads, for batches and streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from speechrnn.errors import Unsupported
from speechrnn.features.frontend import FrontEndState, stream_frames
from speechrnn.features.normalization import Statistics
from speechrnn.inference.pieces import Cutter, silence
from speechrnn.inference.windows import Windows
from speechrnn.models.attention import AttentionHead, AttentionSteps
from speechrnn.models.denormals import flushed_to_zero
from speechrnn.models.encoder import EncoderState
from speechrnn.models.export import StoredAcoustic
from speechrnn.models.head import AttentionState, ClassPosteriors, FrameClasses, FramePosteriors, Head, HeadOutput, TransducerState
from speechrnn.models.transducer import TransducerHead, TransducerSteps
from speechrnn.text.tokenizer import SPACE

_IMPOSSIBLE = -30.0
"""Log posterior of what is not there; its sum over all tokens is still 0."""
WINDOW_S, OVERLAP_S = 24.0, 3.0
"""Length of a window and what is discarded of it at either inner edge (s); measured, see docs/long-audio.md."""


class Network:
    """A recurrent network in float32, for use.

    Args:
        stored: what the model directory holds.
        device: where it computes.
    """

    def __init__(self, stored: StoredAcoustic, device: torch.device) -> None:
        self._network = stored.network().to(device)
        self.head = self._network.head
        self._device = device
        self._tokens = tokens = stored.vocabulary.tokens
        self.steps = _steps(self.head)
        """What decoding asks step by step; what it hears of a frame are then J values of the head's own, not K."""
        self._n_outputs = self.head.width if isinstance(self.head, TransducerHead | AttentionHead) else len(tokens)
        self._boundary = tokens.index(SPACE) if SPACE in tokens else None
        grid = self._network.frontend.grid
        self.sampling_rate = stored.options.sampling_rate
        self.normalization = stored.options.features.normalization.mode
        self.levels_db = stored.levels_db
        """The least and the greatest level of what it was trained on, where that matters and is known."""
        self.bidirectional = stored.options.model.bidirectional
        self.attends = isinstance(self.head, AttentionHead)
        self.reads_whole = self.bidirectional or self.attends
        """Whether it must hear all of an utterance before it says anything of it."""
        self.frame_shift = self._network.frame_shift
        """Seconds between two encoder frames."""
        self.least_samples = grid.size
        """Fewest samples that are a frame."""
        self.offset = (grid.size - grid.hop) / 2 / self.sampling_rate
        """Seconds to the start of front-end frame 0: it speaks for the hop around its window's middle."""
        self.delay = self._network.encoder.subsampling.context / 2
        """Front-end frames by which the middle of what convolutions see for an encoder frame lies before that frame's own."""
        self.hop_s = grid.hop / self.sampling_rate
        """Seconds between two front-end frames."""
        self.origin = self.offset - self.delay * self.hop_s
        """Seconds to what encoder frame 0 tells of; below 0 where convolutions look back beyond the beginning."""
        step = grid.hop * stored.options.model.factor
        self.factor = stored.options.model.factor
        """Front-end frames an encoder frame is made of, and waits for."""
        self.latency_samples = step - grid.hop + grid.size
        """Samples from the start of an encoder frame to the end of what it needs."""
        self.windows = Windows(
            round(WINDOW_S * self.sampling_rate / step),
            round(OVERLAP_S * self.sampling_rate / step),
            step,
            grid.hop,
            grid.size - grid.hop,
        )

    def batch(
        self, batch: Sequence[np.ndarray], moments: Sequence[np.ndarray | None] | None = None, *, least: int = 0
    ) -> list[np.ndarray]:
        """Log posteriors (T, K) of each of some samples (S,); T is 0 where there is less than one analysis window of sound.

        A head that says one thing of an utterance gives one row: log posteriors of classes, or a number.

        ``moments``, each (2, F), are what frames are normalized by, in place of an utterance's own. They are padded to at least
        ``least`` samples, which changes nothing.
        """
        nothing = np.zeros((0, self._n_outputs), np.float32)
        heard = [i for i, samples in enumerate(batch) if len(samples) >= self.least_samples]
        known = None if moments is None else [found for i in heard if (found := moments[i]) is not None]
        rows = dict(zip(heard, self._forward([batch[i] for i in heard], known, least), strict=True)) if heard else {}
        return [rows.get(i, nothing) for i in range(len(batch))]

    @flushed_to_zero()
    def _forward(self, batch: list[np.ndarray], moments: list[np.ndarray] | None, least: int) -> list[np.ndarray]:
        lengths = torch.tensor([len(samples) for samples in batch], device=self._device)
        padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(samples) for samples in batch], batch_first=True).to(
            self._device
        )
        padded = torch.nn.functional.pad(padded, (0, max(0, least - padded.shape[1])))
        known = None if moments is None else torch.from_numpy(np.stack(moments)).to(self._device)
        return _rows(self._network(padded, lengths, known))

    def window(self, samples: np.ndarray, moments: np.ndarray | None) -> np.ndarray:
        """Log posteriors (T, K) of at most about a window of samples (S,).

        oneDNN keeps what it prepares for every length it meets. Half a dozen lengths serve all stretches, so that memory does
        not grow with their number.
        """
        least = self.windows.samples
        while least // 2 >= max(len(samples), self.sampling_rate):
            least //= 2
        return self.batch([samples], None if moments is None else [moments], least=least)[0]

    def frames(self, num_samples: int) -> int:
        """Encoder frames of a recording."""
        return int(self._network.encoded_lengths(torch.tensor(num_samples)))

    def pause(self, n_frames: int, *, boundary: bool) -> np.ndarray:
        """Log posteriors (n_frames, K) of silence, with a word boundary in its middle where asked for and the model has one.

        Of a network that is asked step by step frames (n_frames, J) that are no numbers: its decoder sets the boundaries.
        """
        if self.steps is not None:
            return np.full((n_frames, self._n_outputs), np.nan, np.float32)
        log_probs = np.full((n_frames, self._n_outputs), _IMPOSSIBLE, np.float32)
        log_probs[:, 0] = 0.0
        if boundary and self._boundary is not None:
            log_probs[n_frames // 2, [0, self._boundary]] = _IMPOSSIBLE, 0.0
        return log_probs

    def cutter(self) -> Cutter:
        """Cuts what is heard of a recording into pieces to decode.

        What a transducer writes depends on what it has written; whether there is silence it is asked as at a beginning. Without
        CTC only what a decoder with attention did not hear is known to be silence.
        """
        steps, tokens = self.steps, self._tokens
        if isinstance(steps, TransducerSteps):
            start = steps.start(1)
            return Cutter(
                self.frame_shift, tokens, lambda frames: silence(steps.log_probs(frames[None], start)[0], tokens), carries=True
            )
        if isinstance(steps, AttentionSteps):
            return Cutter(
                self.frame_shift,
                tokens,
                lambda frames: ~np.isfinite(frames[:, 0]) if (ctc := steps.ctc(frames)) is None else silence(ctc, tokens),
            )
        return Cutter(self.frame_shift, tokens)

    def front_frames(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """A recording's frames as the front-end makes them, in parts (T, F); T may be 0."""
        state: FrontEndState | None = None
        for block in blocks:
            with torch.inference_mode():
                frames, state = stream_frames(self._network.frontend, torch.from_numpy(block).to(self._device)[None], state)
            yield frames[0].cpu().numpy()

    def count_frames(self, statistics: Statistics, blocks: Iterable[np.ndarray]) -> None:
        """Add a recording's frames to statistics, those of digital silence left out."""
        loudness = self._network.frontend.loudness
        for frames in self.front_frames(blocks):
            statistics.add(loudness.audible(torch.from_numpy(frames).to(self._device)).cpu().numpy())


class NetworkStream:
    """Samples that arrive bit by bit to log posteriors, frame for frame those of the whole.

    Args:
        network: unidirectional.
        moments: (2, F) that frames are normalized by, where the model needs them.

    Raises:
        Unsupported: the network is bidirectional, or needs statistics of the whole recording.
    """

    def __init__(self, network: Network, moments: np.ndarray | None = None) -> None:
        if network.bidirectional:
            raise Unsupported(
                "a bidirectional model needs the whole recording and cannot stream",
                "train with model.bidirectional=false, or transcribe the recording when it is there",
            )
        if moments is None and network.normalization in ("speaker", "utterance"):
            raise Unsupported(
                f"a model that normalizes by {network.normalization} needs the whole recording and cannot stream",
                "train with features.normalization.mode=global, or transcribe the recording when it is there",
            )
        self._owner = network
        self._moments = None if moments is None else torch.from_numpy(moments)[None].to(network._device)
        self._frames: FrontEndState | None = None
        self._encoder: EncoderState | None = None

    def feed(self, samples: np.ndarray) -> np.ndarray:
        """The log posteriors (T, K) that some samples (S,) complete; T may be 0."""
        return self._advance(samples, last=False)

    def finish(self) -> np.ndarray:
        """The log posteriors of the last, incomplete frame, where there is one."""
        return self._advance(np.zeros(0, np.float32), last=True)

    @flushed_to_zero()
    @torch.inference_mode()
    def _advance(self, samples: np.ndarray, *, last: bool) -> np.ndarray:
        owner, network = self._owner, self._owner._network
        chunk = torch.from_numpy(samples).to(owner._device)[None]
        frames, self._frames = stream_frames(network.frontend, chunk, self._frames)
        lengths = torch.full((1,), frames.shape[1], device=owner._device)
        normalized = network.normalizer(frames, lengths, self._moments)
        encoded, self._encoder = network.encoder.stream(normalized, self._encoder, last=last)
        counts = torch.full((1,), encoded.shape[1], device=owner._device)
        return _rows(network.head.outputs(encoded, counts))[0]


def _steps(head: Head) -> TransducerSteps | AttentionSteps | None:
    """What decoding asks step by step, of a head that is asked so."""
    if isinstance(head, TransducerHead):
        return TransducerSteps(head)
    return AttentionSteps(head) if isinstance(head, AttentionHead) else None


def _rows(output: HeadOutput) -> list[np.ndarray]:
    """What a head says of each utterance, (T, K) or (T, J); one row where it is said of the whole."""
    if isinstance(output, FramePosteriors | FrameClasses | TransducerState | AttentionState):
        rows = output.frames if isinstance(output, TransducerState | AttentionState) else output.log_probs
        return [row[:length] for row, length in zip(rows.cpu().numpy(), output.lengths.tolist(), strict=True)]
    single = output.log_probs if isinstance(output, ClassPosteriors) else output.values[:, None]
    return [row[None] for row in single.cpu().numpy()]
