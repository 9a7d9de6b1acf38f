"""Score hypotheses of any recognizer against references: plain ``id text`` files, manifests, ``hypotheses.jsonl``."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from speechrnn.errors import DataError, UsageError, listed
from speechrnn.jobs.naming import unique_names
from speechrnn.jobs.provenance import collect
from speechrnn.reports.hypotheses import read_hypotheses
from speechrnn.reports.provenance import Provenance
from speechrnn.scoring.compare import compare
from speechrnn.scoring.id_text import read_id_text
from speechrnn.scoring.results import Evaluation, Item, System
from speechrnn.scoring.units import TOKEN_UNITS, split_letters, words
from speechrnn.text.normalize import TextOptions, normalize

METRIC_OF_UNIT = {"word": "wer", "char": "cer", "token": "per"}
MISSING = "no hypothesis"


@dataclass(frozen=True, slots=True)
class Text:
    """One side of one utterance: its text, and its tokens where the file holds them."""

    text: str
    tokens: tuple[str, ...] = ()
    times: tuple[tuple[float, float], ...] = ()
    confidences: tuple[float, ...] = ()
    speaker: str = ""
    duration: float = 0.0
    snr: float | None = None


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of texts.

    Attributes:
        name: as shown.
        path: as given.
        kind: ``id text``, ``manifest`` or ``hypotheses``.
        unit: of the model that made hypotheses (chars, letters, phones); empty elsewhere.
        texts: by utterance id.
        writes_words: whether a text holds words, as all do but those of a model of letters or phones without lexicon.
    """

    name: str
    path: Path
    kind: str
    unit: str
    texts: dict[str, Text]
    writes_words: bool = True


def score(
    reference: Path,
    hypotheses: Sequence[Path],
    *,
    unit: str | None = None,
    options: TextOptions = TextOptions(),
    tokens: Sequence[str] = (),
) -> Evaluation:
    """Score files of hypotheses against a file of references.

    A reference without hypothesis counts as all deleted and is listed among its system's ``failed``.

    Args:
        reference: ``id text`` file, manifest, or a ``hypotheses.jsonl``, whose references are taken.
        hypotheses: ``id text`` files or ``hypotheses.jsonl``, each of whose systems is scored.
        unit: ``word``, ``char`` or ``token``; by default words where all hypotheses hold words, else tokens.
        options: normalization of both sides.
        tokens: inventory by which text is split where tokens are counted; without it a token is what stands between spaces.

    Raises:
        DataError: a file that is missing, empty, not UTF-8, with an id twice; hypotheses of unknown utterances.
        UsageError: units that do not go together.
    """
    references = read_references(reference)
    systems = [system for path in hypotheses for system in read_systems(path)]
    unit = unit or _common_unit(systems)
    for system in systems:
        _check_unit(system, references, unit, tokens)
        _check_ids(system, references)
    names = unique_names([system.name for system in systems], [system.path for system in systems])
    return compare(
        [_system(system, name, references, unit, options, tokens) for system, name in zip(systems, names, strict=True)],
    )


def read_references(path: Path) -> TextFile:
    """References of an ``id text`` file, of a manifest, or those that stand beside hypotheses."""
    kind = kind_of(path)
    if kind == "manifest":
        return _manifest(path)
    if kind == "id text":
        return _id_text(path)
    texts: dict[str, Text] = {}
    unit = ""
    for record in read_hypotheses(path):
        found = Text(
            record["reference"],
            tuple(record.get("reference_tokens", ())),
            speaker=record.get("speaker", ""),
            duration=record.get("duration", 0.0),
            snr=record.get("snr"),
        )
        known = texts.setdefault(record["id"], found)
        if known.text != found.text:
            raise DataError(
                f"{path}: {record['id']!r} has two references: {known.text!r} and {found.text!r}",
                "its systems were normalized by different rules: give the references as a file of their own",
            )
        unit = record["unit"]
    return TextFile(path.name, path, kind, unit, texts)


def read_systems(path: Path) -> list[TextFile]:
    """The hypotheses of a file, by system."""
    kind = kind_of(path)
    if kind == "manifest":
        return [_manifest(path)]
    if kind == "id text":
        return [_id_text(path)]
    systems: dict[str, TextFile] = {}
    for record in read_hypotheses(path):
        unit = record["unit"]
        written = unit not in TOKEN_UNITS or bool(record.get("words"))
        system = systems.setdefault(record["system"], TextFile(record["system"], path, kind, unit, {}, written))
        if record["id"] in system.texts:
            raise DataError(
                f"{path}: system {system.name!r} has {record['id']!r} twice", "keep one line for each utterance and system"
            )
        if not record.get("failure"):
            system.texts[record["id"]] = Text(
                record["hypothesis"],
                tuple(record["tokens"]),
                tuple((start, end) for start, end in record.get("times", ())),
                tuple(record.get("confidences", ())),
            )
    return list(systems.values())


def kind_of(path: Path) -> str:
    """``manifest``, ``hypotheses`` or ``id text``, by the first line of the file."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            first = stream.readline(4_000_000)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", "check the path") from None
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read: {error}", "check that it is a whole file you may read") from None
    try:
        record = json.loads(first)
    except ValueError:
        return "id text" if path.suffix != ".gz" else "manifest"
    return "hypotheses" if isinstance(record, dict) and "hypothesis" in record else "manifest"


def _manifest(path: Path) -> TextFile:
    from speechrnn.data.manifest import read_manifest

    texts = {
        utterance.id: Text(utterance.text, speaker=utterance.speaker, duration=utterance.duration)
        for utterance in read_manifest(path)
    }
    return TextFile(path.name, path, "manifest", "", texts)


def _id_text(path: Path) -> TextFile:
    return TextFile(path.name, path, "id text", "", {identity: Text(text) for identity, text in read_id_text(path).items()})


def _common_unit(systems: Sequence[TextFile]) -> str:
    """The unit all hypotheses can be scored in."""
    if all(system.writes_words for system in systems):
        return "word"
    found = {system.name: "token" if system.unit in TOKEN_UNITS else "word" for system in systems}
    if "word" in found.values():
        held = ", ".join(f"{name} holds {unit}s" for name, unit in found.items())
        raise UsageError(f"the hypotheses have different units: {held}", "score them in a call each, or say --unit")
    return "token"


def _check_unit(system: TextFile, references: TextFile, unit: str, tokens: Sequence[str]) -> None:
    for side in (system, references):
        if side.unit == "value":
            raise UsageError(
                f"{side.name} holds numbers, in which there are no {unit}s to count", "read the scores.json that stands beside them"
            )
    if unit == "token":
        if system.unit == "chars":
            raise UsageError(
                f"{system.name} was made by a model of characters, not of letters or phones", "use --unit word or char"
            )
        if system.unit and references.unit and system.unit != references.unit:
            raise UsageError(f"{system.name} holds {system.unit}, the references {references.unit}", "score them in a call each")
        if system.unit == "letters" and references.kind != "hypotheses" and not tokens:
            raise UsageError(
                f"{system.name} holds letters, {references.name} text that is not split into letters",
                "give --tokens MODEL/tokens.txt",
            )
        if system.unit == "phones" and references.kind == "manifest":
            raise UsageError(
                f"{system.name} holds phones, {references.name} words",
                "give references with the phones separated by spaces, or use speechrnn evaluate",
            )
    elif not system.writes_words:
        raise UsageError(f"{system.name} holds {system.unit}, which cannot be scored as {unit}s", "use --unit token")


def _check_ids(system: TextFile, references: TextFile) -> None:
    unknown = [identity for identity in system.texts if identity not in references.texts]
    if unknown:
        raise DataError(
            f"{system.path}: {len(unknown)} of {len(system.texts)} ids are not in {references.path}: {listed(unknown, 20)}",
            "score them against the references they belong to, or remove them",
        )


def _system(system: TextFile, name: str, references: TextFile, unit: str, options: TextOptions, inventory: Sequence[str]) -> System:
    metric = METRIC_OF_UNIT[unit]

    def split(side: Text) -> tuple[str, ...]:
        if unit != "token" or side.tokens:
            return side.tokens
        text = normalize(side.text, options)
        return split_letters(text, inventory) if inventory else tuple(words(text))

    items = []
    for identity, wanted in references.texts.items():
        found = system.texts.get(identity, Text(""))
        items.append(
            Item(
                identity,
                normalize(wanted.text, options),
                normalize(found.text, options),
                split(wanted),
                split(found),
                found.times,
                found.confidences,
                wanted.speaker,
                wanted.duration,
                "" if identity in system.texts else MISSING,
                wanted.snr,
            )
        )
    return System(name, str(system.path), system.unit or unit, (metric,), tuple(items))


def provenance(reference: Path, options: TextOptions) -> Provenance:
    """What stands beside the figures: the references' checksum, their corpus where they come from a data directory, the rule."""
    from speechrnn.data.prepared import read_corpus

    corpus = read_corpus(reference.parent) if kind_of(reference) == "manifest" else {}
    return collect(reference, corpus=corpus, normalization=asdict(options))
