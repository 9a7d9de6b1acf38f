"""How far two sounds are apart in the mouth, by the features of PanPhon (extra ``report``).

Mortensen et al., "PanPhon: a resource for mapping IPA segments to articulatory feature vectors", COLING 2016. A distance is the
share of the 24 features that differ; sounds of several segments (affricates, diphthongs) are laid over each other first. Tone,
which PanPhon drops from letters with marks, is set as its two tone features.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from speechrnn.errors import MissingExtra
from speechrnn.scoring.classes import split_tone

if TYPE_CHECKING:
    import numpy as np

_ARPABET_SOUNDS = """
AA ɑ, AE æ, AH ʌ, AO ɔ, AW aʊ, AY aɪ, EH ɛ, ER ɹ̩, EY eɪ, IH ɪ, IY i, OW oʊ, OY ɔɪ, UH ʊ, UW u,
B b, CH tʃ, D d, DH ð, F f, G ɡ, HH h, JH dʒ, K k, L l, M m, N n, NG ŋ, P p, R ɹ, S s, SH ʃ, T t, TH θ, V v, W w, Y j, Z z, ZH ʒ
"""
_ARPABET = dict(entry.split() for entry in _ARPABET_SOUNDS.split(","))
_LOOK_ALIKE_SIGNS = {"g": "ɡ", "ω": "ɔ", "ε": "ɛ", "ı": "i", "ʦ": "ts", "ʧ": "tʃ", "ʤ": "dʒ", "ɚ": "ɹ̩", "ɝ": "ɹ̩", ":": "ː"}
"""Signs that PanPhon does not know, and the sounds that they stand for (ω and ε in African orthographies)."""
_LOOK_ALIKES = str.maketrans(_LOOK_ALIKE_SIGNS)
_MANNERS = ("stop", "affricate", "fricative", "nasal", "lateral", "trill", "glide")
_PLACES = ("labial", "alveolar", "palatal", "velar", "glottal")
_HIGH, _LOW = "\u0301\u030b\u030c˥˦", "\u0300\u030f\u0302˩˨"


class Articulation:
    """Sounds of an inventory.

    Args:
        labels: letters or phones (IPA or ARPAbet).
        unit: ``letters`` or ``phones``; the letter y is the sound j.

    Raises:
        MissingExtra: PanPhon is not installed.
    """

    def __init__(self, labels: Iterable[str], unit: str) -> None:
        self.labels = sorted(set(labels))
        self._vectors = {label: _vectors(_ipa(label, unit), split_tone(label)[1]) for label in self.labels}

    @property
    def unknown(self) -> list[str]:
        """Labels that PanPhon has no features for: as far from every other one as can be."""
        return [label for label in self.labels if not self._vectors[label]]

    def distance(self, a: str, b: str) -> float:
        """0 for the same label or sound, at most 1: p and b are one feature of 24 apart."""
        first, second = self._vectors[a], self._vectors[b]
        if a == b:
            return 0.0
        if not first or not second:
            return 1.0
        row = [float(column) for column in range(len(second) + 1)]
        for vector in first:
            previous, row = row, [row[0] + 1]
            for column, other in enumerate(second, 1):
                changed = sum(x != y for x, y in zip(vector, other, strict=True)) / len(vector)
                row.append(min(previous[column] + 1, row[-1] + 1, previous[column - 1] + changed))
        return row[-1] / max(len(first), len(second))

    @cached_property
    def distances(self) -> np.ndarray:
        """Between all labels, float64, shape (K, K), in the order of ``labels``."""
        import numpy as np

        return np.array([[self.distance(a, b) for b in self.labels] for a in self.labels]).reshape(2 * (len(self.labels),))

    def errors(self, pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> float:
        """Least cost of turning references into hypotheses, summed: a substitution costs its distance, a gap 1."""
        import numpy as np

        from speechrnn.scoring.align_kernels import least_cost

        number = {label: index for index, label in enumerate(self.labels)}
        sides = ([np.array([number[label] for label in side], np.int64) for side in pair] for pair in pairs)
        return float(sum(least_cost(reference, hypothesis, self.distances) for reference, hypothesis in sides))

    def order(self) -> list[str]:
        """Labels as a phonetician's table has them: vowels from close front to open back, then consonants by manner and place.

        Labels without features come last, by their signs.
        """
        return sorted(self.labels, key=self._place)

    def _place(self, label: str) -> tuple[Any, ...]:
        vectors = self._vectors[label]
        if not vectors:
            return (2, label)
        base, tone = split_tone(label)
        f = dict(zip(_table().names, vectors[0], strict=True))
        more = len(vectors)
        if f["syl"] > 0 and f["cons"] < 0:
            return (0, f["lo"], -f["hi"], f["back"], f["round"], -f["tense"], more, base, tone)
        stop, nasal, lateral = f["cont"] < 0 and f["son"] < 0, f["nas"] > 0, f["lat"] > 0
        affricate = stop and (f["delrel"] > 0 or more > 1)
        if f["son"] < 0:
            manner = "fricative" if not stop else "affricate" if affricate else "stop"
        else:
            manner = "nasal" if nasal else "lateral" if lateral else "trill" if f["cons"] > 0 else "glide"
        coronal = "alveolar" if f["ant"] > 0 else "palatal"
        place = "labial" if f["lab"] > 0 else coronal if f["cor"] > 0 else "velar" if f["hi"] > 0 else "glottal"
        return (1, _MANNERS.index(manner), _PLACES.index(place), f["back"], f["voi"], f["strid"], base, tone)


def _ipa(label: str, unit: str) -> str:
    plain = label.rstrip("012")
    if plain in _ARPABET:
        return _ARPABET[plain]
    base = unicodedata.normalize("NFD", split_tone(label.casefold())[0]).translate(_LOOK_ALIKES)
    return "j" if unit == "letters" and base == "y" else base


def _vectors(ipa: str, tone: str) -> tuple[tuple[int, ...], ...]:
    """Feature values of each segment, -1, 0 or 1; the tone on the first one. Nothing where any letter is unknown."""
    table = _table()
    if "".join(table.ipa_segs(ipa)) != ipa:
        return ()
    vectors = [list(segment.numeric()) for segment in table.word_fts(ipa)]
    if vectors and tone:
        high, register = table.names.index("hitone"), table.names.index("hireg")
        vectors[0][high] = 1 if tone[-1] in _HIGH else -1 if tone[-1] in _LOW else 0
        vectors[0][register] = 1 if tone == "\u030b" else -1 if tone == "\u030f" else 0
    return tuple(tuple(vector) for vector in vectors)


@lru_cache(maxsize=1)
def _table() -> Any:
    try:
        with warnings.catch_warnings():
            # Its docstrings hold escapes that newer Pythons warn of.
            warnings.simplefilter("ignore")
            import panphon
    except ImportError:
        raise MissingExtra("panphon", "report", "the distance between sounds") from None
    return panphon.FeatureTable()
