"""Sentences of a talking house, from small grammars in four languages: some seventy words, thousands of sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from speechrnn.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

Grammar = Mapping[str, Sequence[str]]
"""Name of a part -> its alternatives; ``{part}`` in one stands for any alternative of that part."""

ENGLISH: Grammar = {
    "sentence": (
        "turn {switch} the {room} {device}",
        "set the {room} {device} to {number}",
        "call {name} {day} at {hour}",
        "meet {name} at {hour} {day}",
        "wake {name} at {hour} {minutes}",
        "{name} arrives {day} at {hour}",
        "add {number} {things} to my list",
        "{name} needs {number} {things} {day}",
        "is the {device} {switch} in my {room}",
        "play the radio in my {room} at {hour}",
    ),
    "switch": ("on", "off"),
    "room": ("kitchen", "bedroom", "garden", "office", "garage"),
    "device": ("light", "radio", "heater", "window", "alarm"),
    "name": ("anna", "peter", "maria", "robert", "susan", "david"),
    "day": ("today", "tomorrow", "on monday", "on tuesday", "on friday", "on sunday"),
    "hour": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    "minutes": ("ten", "fifteen", "twenty", "thirty", "forty five"),
    "number": ("{hour}", "thirteen", "fifteen", "twenty", "twenty {digit}", "thirty {digit}"),
    "digit": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "things": ("apples", "candles", "books", "eggs", "lemons", "bottles"),
}

GERMAN: Grammar = {
    "sentence": (
        "schalte {device} {room} {switch}",
        "stelle {device} {room} auf {number}",
        "rufe {name} {day} um {hour} an",
        "triff {name} {day} um {hour}",
        "wecke {name} um {hour} uhr {minutes}",
        "{name} kommt {day} um {hour}",
        "schreibe {number} {things} auf die liste",
        "{name} braucht {day} {number} {things}",
        "ist {device} {room} {switch}",
    ),
    "switch": ("ein", "aus"),
    "room": ("in der küche", "im garten", "im büro", "in der garage"),
    "device": ("das licht", "das radio", "die heizung", "den alarm"),
    "name": ("anna", "peter", "maria", "robert", "susanne", "david"),
    "day": ("heute", "morgen", "am montag", "am dienstag", "am freitag", "am sonntag"),
    "hour": ("eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"),
    "minutes": ("zehn", "zwanzig", "dreißig", "vierzig"),
    "number": ("zwei", "drei", "vier", "sieben", "neun", "zehn", "zwölf", "zwanzig", "dreißig", "vierzig"),
    "things": ("äpfel", "kerzen", "bücher", "eier", "zitronen", "flaschen"),
}

FRENCH: Grammar = {
    "sentence": (
        "{switch} {device} {room}",
        "mets {device} {room} sur {number}",
        "appelle {name} {day} à {hour} heures",
        "{name} mange {day} à {hour} heures",
        "réveille {name} à {hour} heures {minutes}",
        "{name} arrive {day} à {hour} heures",
        "ajoute {number} {things} à ma liste",
        "{name} demande {number} {things} pour {day}",
    ),
    "switch": ("allume", "éteins"),
    "room": ("de la cuisine", "du jardin", "du bureau", "de la chambre"),
    "device": ("la lampe", "la radio", "le chauffage", "le réveil"),
    "name": ("anna", "pierre", "marie", "robert", "suzanne", "david"),
    "day": ("demain", "lundi", "mardi", "vendredi", "samedi", "dimanche"),
    "hour": ("deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze"),
    "minutes": ("dix", "quinze", "vingt", "trente"),
    "number": ("{hour}", "douze", "quinze", "vingt", "trente", "quarante"),
    "things": ("pommes", "bougies", "livres", "tomates", "citrons", "bouteilles"),
}

SPANISH: Grammar = {
    "sentence": (
        "{switch} {device} {room}",
        "pon {device} {room} en {number}",
        "llama a {name} {day} a las {hour}",
        "{name} come {day} a las {hour}",
        "despierta a {name} a las {hour} y {minutes}",
        "{name} llega {day} a las {hour}",
        "añade {number} {things} a mi lista",
        "{name} quiere {number} {things} para {day}",
    ),
    "switch": ("enciende", "apaga"),
    "room": ("de la cocina", "del jardín", "del despacho", "del dormitorio"),
    "device": ("la lámpara", "la radio", "el fuego", "la alarma"),
    "name": ("ana", "pedro", "maría", "roberto", "susana", "david"),
    "day": ("mañana", "el lunes", "el martes", "el viernes", "el sábado", "el domingo"),
    "hour": ("dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once"),
    "minutes": ("diez", "cuarto", "veinte", "media"),
    "number": ("{hour}", "doce", "quince", "veinte", "treinta", "cuarenta"),
    "things": ("manzanas", "velas", "libros", "huevos", "limones", "botellas"),
}

GRAMMARS: Mapping[str, Grammar] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}
_PART = re.compile(r"\{(\w+)\}")
_PATIENCE = 50
"""Draws for each sentence wanted before the grammar is taken to be exhausted."""


def grammar_of(language: str) -> Grammar:
    """The grammar for a language tag such as ``en-us``.

    Raises:
        UsageError: there is none.
    """
    found = GRAMMARS.get(language.split("-")[0].lower())
    if found is None:
        raise UsageError(
            f"there is no grammar for {language!r}, only for {', '.join(sorted(GRAMMARS))}",
            "give sentences of your own, one a line: --sentences FILE",
        )
    return found


def sentences(grammar: Grammar, count: int, random: np.random.Generator) -> list[str]:
    """Distinct random sentences, at most ``count``: fewer where the grammar has no more."""
    found: dict[str, None] = {}
    for _ in range(count * _PATIENCE):
        if len(found) == count:
            break
        found[_expand("sentence", grammar, random)] = None
    return list(found)


def vocabulary(grammar: Grammar) -> set[str]:
    """Every word of a grammar."""
    return {word for choices in grammar.values() for choice in choices for word in choice.split() if not _PART.match(word)}


def _expand(part: str, grammar: Grammar, random: np.random.Generator) -> str:
    choices = grammar[part]
    return _PART.sub(lambda match: _expand(match[1], grammar, random), choices[int(random.integers(len(choices)))])
