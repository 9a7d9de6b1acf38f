"""A speaker's transform from what was heard of him (fMLLR; Gales 1998)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from speechrnn.hmm.alignment import Segments
from speechrnn.hmm.gmm import Gmm
from speechrnn.hmm.transforms import Fmllr, apply_affine


def speaker_transform(gmm: Gmm, heard: Iterable[tuple[np.ndarray, Segments]], before: np.ndarray | None = None) -> np.ndarray:
    """The affine transform (D, D + 1) under which a speaker's frames fit Gaussians best; silence has no part in it.

    Args:
        gmm: the Gaussians.
        heard: frames (T, D), without any transform, and what they are aligned to.
        before: the transform by which posteriors of the Gaussians are computed; none yet: ``None``.
    """
    from speechrnn.hmm.gmm_kernels import pull

    sums = Fmllr.empty(gmm.means.shape[1])
    for frames, segments in heard:
        speech = segments.speech
        raw = frames[speech].astype(np.float64)
        seen = raw if before is None else apply_affine(raw, before).astype(np.float64)
        weights, targets = np.zeros_like(seen), np.zeros_like(seen)
        pull(seen, segments.states[speech], *gmm.kernel_arrays, weights, targets)
        sums.add(raw, weights, targets)
    return sums.transform()
