"""How probable CTC holds it that what is said begins with a given prefix (Graves 2008, chapter 7; Watanabe et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Prefixes:
    """n prefixes, over the log posteriors of one recording.

    Attributes:
        log_probs: of CTC, (T, K), blank first.
        last: the last token of each prefix, (n,); 0 where it is empty.
        forward: log probability that after t frames exactly the prefix has been said, ending in its last token or in a blank,
            (n, T + 1, 2).
    """

    log_probs: np.ndarray
    last: np.ndarray
    forward: np.ndarray

    @classmethod
    def start(cls, log_probs: np.ndarray) -> Prefixes:
        """The empty prefix."""
        log_probs = np.ascontiguousarray(log_probs, np.float64)
        forward = np.full((1, len(log_probs) + 1, 2), -np.inf)
        forward[0, :, 1] = np.append(0.0, np.cumsum(log_probs[:, 0]))
        return cls(log_probs, np.zeros(1, np.int64), forward)

    def ended(self) -> np.ndarray:
        """Log probability (n,) that each is all that is said."""
        return np.asarray(np.logaddexp(self.forward[:, -1, 0], self.forward[:, -1, 1]))

    def grown(self) -> np.ndarray:
        """Log probability (n, K) that what is said begins with each and one more token; -inf for the blank."""
        from speechrnn.decoding.prefix_kernels import grown

        return grown(self.log_probs, self.forward, self.last)

    def take(self, rows: np.ndarray, tokens: np.ndarray) -> Prefixes:
        """Those in ``rows`` (m,) with ``tokens`` (m,) added."""
        from speechrnn.decoding.prefix_kernels import advance

        return Prefixes(self.log_probs, tokens, advance(self.log_probs, self.forward, self.last, rows, tokens))
