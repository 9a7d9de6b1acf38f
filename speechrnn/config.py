"""From plain values to typed options: Hydra picks the groups, every ``key=value`` is ours, all faults are told at once.

Hydra's own override grammar chokes on ``data.dir=/d/Mboshi (2019)/été``, so it only ever sees which file of a
group is chosen. Nothing beyond :func:`compose` knows OmegaConf; everything else takes frozen dataclasses.
"""

from __future__ import annotations

import dataclasses
import math
import os
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from speechrnn.errors import DataError, SpeechrnnError, UsageError, closest, nearest

T = TypeVar("T")
GROUPS = ("data", "features", "model", "head", "trainer", "decoding")
MAX_YAML_BYTES = 1_000_000
NETWORK, HMM = "config", "hmm"
"""Files of ``conf/`` that experiments start from."""


def conf_folder() -> Path:
    """Where the configurations lie: beside the package (wheel) or at the top of the repository (editable install)."""
    package = Path(__file__).parent
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise DataError(f"no configurations beside {package}", "the installation is damaged: install speechrnn anew")


def compose(arguments: Sequence[str]) -> dict[str, Any]:
    """Plain nested values for ``experiment=an4/small model=gru model.hidden=128 …``.

    Args:
        arguments: ``group=choice`` picks a file of ``conf/<group>/`` (``experiment=PATH.yaml`` any file);
            ``dotted.key=value`` sets one value, split at the first ``=``.

    Raises:
        UsageError: a word without ``=``, an unknown choice (with the nearest one).
    """
    root = _root(arguments)
    choices: list[str] = []
    values: list[tuple[str, str]] = []
    file: Path | None = None
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not key:
            raise UsageError(f"{argument!r} is not key=value", "for example: experiment=an4/small model.cell=gru")
        if key == "experiment" and value.endswith((".yaml", ".yml")):
            file = Path(value)
        elif key in (*GROUPS, "experiment"):
            _check_choice(key, value)
            if root == HMM and key in GROUPS:
                raise UsageError(
                    f"{argument}: a hidden Markov model has no such group", "leave it out, or choose another experiment"
                )
            choices.append(f"{key}={value}")
        else:
            values.append((key, value))
    composed = _hydra(choices, root)
    if file is not None:
        own = read_yaml(file)
        composed = merge(merge(composed, _hydra_defaults(own, choices, root)), {k: v for k, v in own.items() if k != "defaults"})
        composed["experiment"] = str(file)
    for key, value in values:
        _set(composed, key, value)
    return composed


def only_values(arguments: Sequence[str]) -> dict[str, Any]:
    """Nested values of ``dotted.key=value`` words alone."""
    tree: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not key:
            raise UsageError(f"{argument!r} is not key=value", "for example: trainer.max_epochs=80")
        _set(tree, key, value)
    return tree


def _root(arguments: Sequence[str]) -> str:
    """The file of ``conf/`` that an experiment starts from, by the ``kind`` it names: a network's, or a hidden Markov model's."""
    chosen = [value for key, _, value in (argument.partition("=") for argument in arguments) if key == "experiment"]
    if not chosen:
        return NETWORK
    name = chosen[-1]
    file = Path(name) if name.endswith((".yaml", ".yml")) else conf_folder() / "experiment" / f"{name}.yaml"
    return HMM if file.is_file() and read_yaml(file).get("kind") == HMM else NETWORK


def _hydra(choices: Sequence[str], root: str) -> dict[str, Any]:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(config_dir=str(conf_folder().resolve()), version_base="1.3"):
        plain = OmegaConf.to_container(hydra_compose(root, overrides=list(choices)), resolve=False)
    assert isinstance(plain, dict)
    return typing.cast("dict[str, Any]", plain)


def _hydra_defaults(own: Mapping[str, Any], choices: Sequence[str], root: str) -> dict[str, Any]:
    """The groups an experiment file outside ``conf/`` names in its ``defaults``; the command line wins over them."""
    picked: list[tuple[str, str]] = []
    defaults = own.get("defaults") or []
    for item in defaults if isinstance(defaults, list) else [defaults]:
        if item == "_self_":
            continue
        if not isinstance(item, dict):
            raise UsageError(
                f"{_shown(item)} among the defaults of an experiment file", "write lines such as - override /model: bgru"
            )
        picked += ((str(key).removeprefix("override ").removeprefix("/"), str(choice)) for key, choice in item.items())
    for group, choice in picked:
        if group not in GROUPS:
            raise UsageError(f"{group}: no such group", nearest(group, GROUPS))
        _check_choice(group, choice)
    asked = {choice.partition("=")[0] for choice in choices}
    return _hydra([f"{group}={choice}" for group, choice in picked if group not in asked] + list(choices), root)


def _check_choice(group: str, choice: str) -> None:
    folder = conf_folder() / group
    known = sorted(p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml"))
    if choice not in known:
        raise UsageError(f"{group}={choice}: no such {group}", nearest(choice, known))


def _set(tree: dict[str, Any], key: str, value: str) -> None:
    *parents, last = key.split(".")
    for name in parents:
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            raise UsageError(f"{key}: {name} is a value, not a group", "run speechrnn train --print-config to see the keys")
        tree = below
    # Kept as written: only the field it lands in knows whether it is text or a number.
    tree[last] = _Literal(value)


class _Literal(str):
    """A value from the command line, not yet read."""


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Nested merge; ``over`` wins."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


class _PlainLoader(yaml.SafeLoader):
    """Plain values written out: an alias would let a small file unfold into a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if event.anchor is not None:
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: anchors and aliases (& and *) are refused")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping of plain values; interpolation, aliases and oversized files are refused.

    Raises:
        DataError: missing, no YAML, too large, not a mapping, holding ``${`` or an alias.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", "check the path") from None
    if len(raw) > MAX_YAML_BYTES:
        raise DataError(f"{path}: {len(raw)} bytes of YAML", f"at most {MAX_YAML_BYTES} are read")
    try:
        text = raw.decode("utf-8-sig")
        if "${" in text:
            line = text[: text.index("${")].count("\n") + 1
            raise DataError(f"{path}, line {line}: interpolation ${{…}} is refused", "write the value itself")
        content = yaml.load(text, _PlainLoader)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{path}: no valid YAML: {' '.join(str(error).split())[:200]}", "mend the file") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no mapping of keys to values", "write key: value lines")
    return content


def to_plain(options: Any) -> Any:
    """Dataclasses to nested plain values, ready for YAML or JSON."""
    if dataclasses.is_dataclass(options) and not isinstance(options, type):
        return {field.name: to_plain(getattr(options, field.name)) for field in dataclasses.fields(options)}
    if isinstance(options, Path):
        return str(options)
    if isinstance(options, tuple | list):
        return [to_plain(item) for item in options]
    return options


def to_yaml(options: Any) -> str:
    """The YAML text of a dataclass."""
    return yaml.safe_dump(to_plain(options), sort_keys=False, allow_unicode=True, width=120)


def build(cls: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """A dataclass from nested plain values.

    Raises:
        UsageError: all faults together: unknown keys with the nearest known one, wrong types, values out of range.
    """
    faults: list[str] = []
    result = _build(cls, values, "", faults, cls)
    if faults:
        place = f"{where}: " if where else ""
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise UsageError(
            f"{place}{count} in the configuration:\n  " + "\n  ".join(_cut(fault, 300) for fault in faults),
            "correct them; speechrnn train --print-config shows every key with its value",
        )
    return typing.cast("T", result)


def _build(cls: type, values: Mapping[str, Any], prefix: str, faults: list[str], root: type) -> Any:
    hints = typing.get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}
    before = len(faults)
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if key not in known:
            elsewhere: Iterable[str] = () if isinstance(value, Mapping) else dict.fromkeys(_keys(root))
            faults.append(f"unknown key {name}: {_meant(str(key), prefix, known, elsewhere)}")
        elif _groups(hints[key]):
            if isinstance(value, Mapping):
                group = _pick(_groups(hints[key]), value, name, faults)
                arguments[key] = _build(group, value, f"{name}.", faults, root) if group else None
            else:
                faults.append(f"{name} is {_shown(value)}, not a group of values")
        else:
            try:
                arguments[key] = _convert(value, hints[key])
            except ValueError:
                faults.append(f"{name} is {_shown(value)}, expected {_describe(hints[key])}")
    missing = [n for n, f in known.items() if n not in values and f.default is f.default_factory is dataclasses.MISSING]
    faults.extend(f"{prefix}{name} is required" for name in missing)
    if len(faults) > before:
        return None
    try:
        return cls(**arguments)
    except SpeechrnnError as error:
        faults.append(f"{error.message} ({error.remedy})" if error.remedy else error.message)
        return None


def _keys(cls: type, prefix: str = "") -> Iterator[str]:
    """The dotted names of all values."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        groups = _groups(hints[field.name])
        if not groups:
            yield f"{prefix}{field.name}"
        for group in groups:
            yield from _keys(group, f"{prefix}{field.name}.")


def _meant(key: str, prefix: str, known: Iterable[str], keys: Iterable[str]) -> str:
    """What an unknown ``key`` of the group ``prefix`` may stand for: a value of this name in another group, else a near name."""
    elsewhere = [name for name in keys if name.rpartition(".")[2] == key]
    if f"{prefix}{key}" in elsewhere:
        return f"only another kind of {prefix[:-1]} has it; known are: {', '.join(sorted(known))}"
    if elsewhere:
        return f"did you mean {' or '.join(map(repr, elsewhere))}?"
    for names in ({name: f"{prefix}{name}" for name in known}, {name.rpartition(".")[2]: name for name in keys}):
        close = closest(key, names)
        if close is not None:
            return f"did you mean {names[close]!r}?"
    return nearest(key, known)


def _shown(value: Any) -> str:
    """A value as it stands in a message."""
    return _cut(repr(value), 80)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _groups(hint: Any) -> list[type]:
    """The dataclasses a field may hold: none, one, or several told apart by their ``kind``."""
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return [member for member in members if dataclasses.is_dataclass(member) and isinstance(member, type)]


def _pick(groups: list[type], values: Mapping[str, Any], name: str, faults: list[str]) -> type | None:
    if "kind" not in groups[0].__dataclass_fields__:  # type: ignore[attr-defined]
        return groups[0]
    kinds = {str(group.__dataclass_fields__["kind"].default): group for group in groups}  # type: ignore[attr-defined]
    kind = str(values.get("kind", next(iter(kinds))))
    if kind not in kinds:
        faults.append(f"{name}.kind is {_shown(kind)}: {nearest(kind, kinds)}")
        return None
    return kinds[kind]


def _convert(value: Any, hint: Any) -> Any:
    """One value to the type of its field; ``ValueError`` where it does not fit."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        optional = type(None) in inner
        if optional and (value is None or (isinstance(value, _Literal) and value in ("null", "none", ""))):
            return None
        for member in (m for m in inner if m is not type(None)):
            try:
                return _convert(value, member)
            except ValueError:
                continue
        raise ValueError
    if hint is str:
        if isinstance(value, Mapping | list) or value is None:
            raise ValueError
        return str(value)
    if hint is Path:
        if not isinstance(value, str | Path):
            raise ValueError
        return Path(os.path.expanduser(str(value)))  # noqa: PTH111 - unlike Path.expanduser, leaves an unknown ~name alone
    if isinstance(value, _Literal):
        value = _scalar(value)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            value = [value]
        return tuple(_convert(item, inner[0]) for item in value)
    if hint is bool:
        if not isinstance(value, bool):
            raise ValueError
        return value
    if hint is int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if isinstance(value, float) and not _finite(value).is_integer():
            raise ValueError
        return int(value)
    if hint is float:
        # YAML 1.1 reads 1e-3 as text.
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return _finite(value)
    raise TypeError(f"no conversion to {hint}")


def _finite(value: float | str) -> float:
    """A number; ``ValueError`` for NaN, infinities and what is too large."""
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number


def _scalar(text: str) -> Any:
    try:
        return yaml.load(text, _PlainLoader)
    except (yaml.YAMLError, RecursionError):
        raise ValueError from None


def _describe(hint: Any) -> str:
    names = {str: "text", Path: "a path", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
    if hint in names:
        return names[hint]
    inner = [_describe(member) for member in typing.get_args(hint) if member is not Ellipsis]
    return f"a list of {inner[0]}" if typing.get_origin(hint) is tuple else " or ".join(inner)
