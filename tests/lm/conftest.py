"""Small models as text, and what an ARPA file means, read off its definition."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

TINY = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-99\t<s>\t-0.30103
-1.1\t</s>
-0.8\t<unk>\t-0.05
-0.5\ta\t-0.2
-0.6\tb\t-0.4

\\2-grams:
-0.25\t<s> a\t-0.1
-0.35\ta b\t-0.15
-0.45\tb a
-0.55\tb </s>

\\3-grams:
-0.12\t<s> a b
-0.13\ta b </s>

\\end\\
"""


class Twin:
    """An ARPA file as two dictionaries, log10."""

    def __init__(self, text: str) -> None:
        self.log_probs: dict[tuple[str, ...], float] = {}
        self.backoffs: dict[tuple[str, ...], float] = {}
        order = 0
        for line in text.splitlines():
            if line.startswith("\\") and line.endswith("-grams:"):
                order = int(line[1:-7])
            elif order and line and not line.startswith("\\"):
                value, *rest = line.split()
                self.log_probs[tuple(rest[:order])] = float(value)
                self.backoffs[tuple(rest[:order])] = float(rest[order]) if len(rest) > order else 0.0
        self.order = order
        self.words = [ngram[0] for ngram in self.log_probs if len(ngram) == 1]

    def log_prob(self, history: tuple[str, ...], word: str) -> float:
        """log10 probability of a word after any history."""
        history = history[max(0, len(history) - self.order + 1) :]
        if (*history, word) in self.log_probs:
            return self.log_probs[(*history, word)]
        return self.backoffs.get(history, 0.0) + self.log_prob(history[1:], word)

    def score(self, words: Sequence[str]) -> list[float]:
        """Natural logarithms, the sentence end last."""
        known = ["<s>", *(word if (word,) in self.log_probs else "<unk>" for word in words), "</s>"]
        return [self.log_prob(tuple(known[:place]), known[place]) * math.log(10) for place in range(1, len(known))]


def random_arpa(seed: int, order: int, n_words: int = 6) -> str:
    """A random model: n-grams whose beginning is listed, whatever they end in; some backoff weights are missing."""
    generator = random.Random(seed)
    words = ["<unk>", "<s>", "</s>", *(f"w{index}" for index in range(n_words))]
    levels = [[(word,) for word in words]]
    for _ in range(order - 1):
        longer = [(*ngram, word) for ngram in levels[-1] if ngram[-1] != "</s>" for word in words if word != "<s>"]
        levels.append([ngram for ngram in longer if generator.random() < 0.35])
    lines = ["\\data\\", *(f"ngram {n}={len(level)}" for n, level in enumerate(levels, 1)), ""]
    for n, level in enumerate(levels, 1):
        generator.shuffle(level)
        lines.append(f"\\{n}-grams:")
        for ngram in level:
            backoff = f"\t{generator.uniform(-1, 0.2):.5f}" if n < order and generator.random() < 0.7 else ""
            lines.append(f"{generator.uniform(-3, 0):.5f}\t{' '.join(ngram)}{backoff}")
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""])


@pytest.fixture(scope="session")
def twin() -> type[Twin]:
    return Twin


@pytest.fixture(scope="session")
def make_arpa() -> Callable[..., str]:
    """``make_arpa(seed, order, n_words=6)``"""
    return random_arpa


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arpa"
    path.write_text(TINY, encoding="utf-8")
    return path
