"""What an evaluation holds beyond its headline figures: where errors are, of which class, how near they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from speechrnn.errors import MissingExtra
from speechrnn.reports.matrix import Matrix, matrix
from speechrnn.scoring.articulation import Articulation
from speechrnn.scoring.breakdown import Breakdown, breakdowns
from speechrnn.scoring.classes import ClassRate, class_rates
from speechrnn.scoring.classification import ClassScores, class_scores
from speechrnn.scoring.frames import FrameScores, frame_scores
from speechrnn.scoring.results import Evaluation, System
from speechrnn.scoring.translation import TranslationScore, translation_scores
from speechrnn.scoring.units import TOKEN_UNITS


@dataclass(frozen=True, slots=True)
class Articulatory:
    """Errors of a system that count by how far sounds are apart.

    Attributes:
        errors: substitutions by distance, insertions and deletions 1 each; least sum.
        tokens: of the references.
        unknown: labels without features: they count in full.
    """

    errors: float
    tokens: int
    unknown: tuple[str, ...]

    @property
    def percent(self) -> float:
        """100 x errors / tokens."""
        return 100 * self.errors / max(self.tokens, 1)


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything by system name, but ``breakdowns``, which hold all systems of the first one's headline rate.

    Attributes:
        classes: errors of classes of sounds.
        scores: of systems that name classes of utterances.
        frames: of systems that name frames.
        translations: of systems that write another field of the manifest than the text.
        metric: that rate; empty where numbers are given.
        missing: what is left out for want of an extra, with its remedy; empty where nothing is.
    """

    metric: str
    breakdowns: tuple[Breakdown, ...]
    classes: Mapping[str, tuple[ClassRate, ...]] = field(default_factory=dict)
    articulatory: Mapping[str, Articulatory] = field(default_factory=dict)
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    scores: Mapping[str, ClassScores] = field(default_factory=dict)
    frames: Mapping[str, FrameScores] = field(default_factory=dict)
    translations: Mapping[str, tuple[TranslationScore, ...]] = field(default_factory=dict)
    missing: str = ""


def analyse(evaluation: Evaluation) -> Analysis:
    """All of it; nothing of numbers. Classes of sounds and distances are of systems of letters or phones."""
    if evaluation.values:
        return Analysis("", ())
    metric = evaluation.systems[0].metrics[0]
    missing = ""
    classes, articulatory, matrices, scores, frames, translations = {}, {}, {}, {}, {}, {}
    for system in evaluation.systems:
        timed = frame_scores(system.items)
        if timed:
            frames[system.name] = timed
        if system.unit == "classes":
            scores[system.name] = found = class_scores(system.items)
            matrices[system.name] = matrix(system.items, [one.label for one in found.classes], "error")
        if system.source != "text":
            try:
                translations[system.name] = translation_scores(system.items)
            except MissingExtra as error:
                missing = f"{error.message}: {error.remedy}"
        if system.unit not in TOKEN_UNITS or "per" not in system.metrics:
            continue
        rates = class_rates(system.items, system.unit)
        if rates:
            classes[system.name] = rates
        labels = {token for item in system.items for side in item.sides("per") for token in side}
        order = sorted(labels)
        try:
            sounds = Articulation(labels, system.unit)
        except MissingExtra as error:
            missing = f"{error.message}: {error.remedy}"
        else:
            order = sounds.order()
            # Where hardly any label is a sound, distances between them tell nothing.
            if len(sounds.unknown) <= len(labels) / 4:
                articulatory[system.name] = _articulatory(system, sounds)
        matrices[system.name] = matrix((item for item in system.items if not item.failure), order)
    return Analysis(
        metric, tuple(breakdowns(evaluation, metric)), classes, articulatory, matrices, scores, frames, translations, missing
    )


def _articulatory(system: System, sounds: Articulation) -> Articulatory:
    sides = [item.sides("per") for item in system.items]
    return Articulatory(sounds.errors(sides), sum(len(reference) for reference, _ in sides), tuple(sounds.unknown))
