"""The heads by ``head.kind``."""

from __future__ import annotations

from typing import TypeAlias

from speechrnn.models.attention import AttentionHead, AttentionOptions
from speechrnn.models.classification import ClassHead, ClassOptions
from speechrnn.models.ctc import CtcHead, CtcOptions
from speechrnn.models.framewise import FrameHead, FrameOptions
from speechrnn.models.head import Head
from speechrnn.models.regression import RegressionHead, RegressionOptions
from speechrnn.models.transducer import TransducerHead, TransducerOptions

HeadOptions: TypeAlias = CtcOptions | FrameOptions | ClassOptions | RegressionOptions | TransducerOptions | AttentionOptions
"""``head:``, told apart by ``kind``."""


def spells_by_ctc(options: HeadOptions) -> bool:
    """Whether a head learns by CTC, which needs a frame for each token; by it alone or beside another loss."""
    return isinstance(options, CtcOptions) or (isinstance(options, TransducerOptions | AttentionOptions) and options.ctc_weight > 0)


def make_head(options: HeadOptions, vocabulary: tuple[str, ...], size: int, *, bidirectional: bool) -> Head:
    """The head (a module) that options describe, over encoded frames of ``size`` features."""
    if isinstance(options, ClassOptions):
        return ClassHead(vocabulary, size, options.pooling, bidirectional)
    if isinstance(options, RegressionOptions):
        return RegressionHead(vocabulary, size, options.pooling, bidirectional)
    if isinstance(options, FrameOptions):
        return FrameHead(vocabulary, size)
    if isinstance(options, TransducerOptions):
        return TransducerHead(vocabulary, size, options)
    if isinstance(options, AttentionOptions):
        return AttentionHead(vocabulary, size, options)
    return CtcHead(vocabulary, size)
