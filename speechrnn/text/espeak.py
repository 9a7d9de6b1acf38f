"""eSpeak NG in a process of its own: ``python -m speechrnn.text.espeak`` takes and gives JSON, a line each.

The library (extra ``synth``) is under the GPL, so nothing of it enters the program that imports this module. It also
remembers: its samples repeat only when each utterance is spoken by a process that has not spoken yet. The server
therefore initializes the library and forks for every utterance; where there is no fork, it starts a fresh process.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from speechrnn.errors import DataError, MissingExtra

if TYPE_CHECKING:
    import numpy as np

SILENCE = "SIL"
"""Name of the pauses among the phones."""
_STRESS = "ˈˌ"
_LANGUAGE = re.compile(r"\([^()]*\)")
Phone = tuple[int, str, int, int]
"""Index of its word or -1, name, first sample, end sample."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """How an utterance is spoken.

    Attributes:
        language: a voice of eSpeak NG: ``en-us``, ``en-gb-x-rp`` (``en-gb`` is none), ``de``, ``fr``, ``es`` …
        variant: one of its variants, such as ``m3`` or ``f1``; empty for the plain voice.
        rate: words a minute, 80 to 450.
        pitch, pitch_range: 0 to 100.
    """

    language: str
    variant: str = ""
    rate: int = 170
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """What eSpeak said.

    Attributes:
        samples: int16, shape (S,).
        sampling_rate: Hz.
        words: (index of the word in ``text.split()``, first sample, end sample), in order of time.
        phones: (index of the word or -1, name in IPA without stress or ``SIL``, first sample, end sample); they join up.
    """

    samples: np.ndarray
    sampling_rate: int
    words: tuple[tuple[int, int, int], ...]
    phones: tuple[Phone, ...]


def speak(requests: Iterable[tuple[str, Speaker]], *, fork: bool = True) -> Iterator[Speech]:
    """Speak texts, each as if it were the first: the same samples every time.

    Args:
        requests: texts and how to speak them.
        fork: ``False`` takes a fresh process for each, as systems without fork do; slower, same result.

    Raises:
        MissingExtra: the library is not installed.
        DataError: an unknown language or variant, or a text that the library cannot speak.
    """
    import numpy as np

    with _Server(fork) as server:
        for text, speaker in requests:
            reply = server.ask({"text": text, **asdict(speaker)})
            samples = np.frombuffer(base64.b64decode(reply["audio"]), dtype="<i2")
            alone = [_split(spoken) for spoken in reply["alone"]]
            phones = _part(_phones(text, reply["events"], len(samples)), alone)
            words = _words(phones)
            yield Speech(samples, reply["sampling_rate"], words, phones)


def pronounce(words: Iterable[str], language: str, *, stress: bool = False) -> list[tuple[str, ...]]:
    """Phones (IPA) of single words by eSpeak's letter-to-sound rules; none for what it does not speak.

    Args:
        words: one by one, so that none depends on its neighbours.
        language: as in :class:`Speaker`.
        stress: keep the marks ˈ and ˌ before the phones that bear stress.

    Raises:
        MissingExtra: the library is not installed.
        DataError: an unknown language.
    """
    with _Server(fork=True) as server:
        reply = server.ask({"pronounce": list(words), **asdict(Speaker(language))})
    return [_split(spoken, stress) for spoken in reply["phones"]]


class _Server:
    """The child process; one question, one answer."""

    def __init__(self, fork: bool) -> None:
        import importlib.util

        if importlib.util.find_spec("espeakng_loader") is None:
            raise MissingExtra("espeakng-loader", "synth", "synthetic speech")
        self.command = [sys.executable, "-m", "speechrnn.text.espeak", *([] if fork else ["--no-fork"])]

    def __enter__(self) -> _Server:
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        what = f"eSpeak NG, {question['language']}{'+' + question['variant'] if question['variant'] else ''}"
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise DataError(
                f"{what}: the library stopped without an answer", "install the extra synth anew: pip install 'speechrnn[synth]'"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise DataError(
                f"{what}: {answer['error']}", "en-us, en-gb-x-rp, de, fr and es are there; so are many more, by their own names"
            )
        return answer


def _plain(phone: str) -> str:
    """A phone without stress marks.

    >>> _plain("ˈaɪ")
    'aɪ'
    """
    return phone.translate({ord(mark): None for mark in _STRESS})


def _split(spoken: str, stress: bool = False) -> tuple[str, ...]:
    """Phones of eSpeak's answer; ``(en)``, where it changes to another language's rules, is none.

    >>> _split("(en)_w_ˈiː_k(de)")
    ('w', 'iː', 'k')
    """
    phones = _LANGUAGE.sub("", spoken).replace(" ", "_").split("_")
    return tuple(phone for phone in (phones if stress else map(_plain, phones)) if phone)


def _phones(text: str, events: Sequence[Sequence[Any]], num_samples: int) -> list[Phone]:
    """Phones with the word they belong to; each lasts until the next begins.

    Args:
        events: (``word`` with a position in ``text`` from 0, or ``phone`` with a name; first sample), in order.
    """
    starts = [
        index for index, character in enumerate(text) if not character.isspace() and (index == 0 or text[index - 1].isspace())
    ]
    marks: list[tuple[int, str, int]] = [(-1, SILENCE, 0)]
    word = -1
    for kind, value, sample in events:
        if kind == "word":
            word = max((number for number, start in enumerate(starts) if start <= value), default=-1)
        else:
            name = _plain(value)
            marks.append((word, name, sample) if name else (-1, SILENCE, sample))
    ends = [sample for _, _, sample in marks[1:]] + [num_samples]
    phones: list[Phone] = []
    for (number, name, start), end in zip(marks, ends, strict=True):
        if phones and name == SILENCE == phones[-1][1]:
            phones[-1] = (-1, SILENCE, phones[-1][2], end)
        elif end > start:
            phones.append((number, name, start, end))
        elif name != SILENCE and phones and phones[-1][0] == number:
            # The l of "hall" comes as part of its vowel, with no time of its own: it gets the last third.
            _, vowel, first, last = phones.pop()
            border = last - (last - first) // 3
            phones += [(number, vowel, first, border), (number, name, border, last)]
    return phones


def _part(phones: list[Phone], alone: Sequence[Sequence[str]]) -> tuple[Phone, ...]:
    """Give words their phones where eSpeak speaks two as one ("on the"): as many as each has when spoken alone.

    Args:
        alone: the phones of each word of the text by itself.
    """
    spoken = {number for number, _, _, _ in phones}
    parted: list[Phone] = []
    for number, group in itertools.groupby(phones, key=lambda phone: phone[0]):
        run = list(group)
        last = number
        while number >= 0 and last + 1 < len(alone) and last + 1 not in spoken:
            last += 1
        counts = [max(1, len(alone[word])) for word in range(number, last + 1)] if last > number else []
        owners = [number + word for word, count in enumerate(counts) for _ in range(count)]
        for index, (_, name, start, end) in enumerate(run):
            owner = owners[index * len(owners) // len(run)] if owners else number
            parted.append((owner, name, start, end))
    return tuple(parted)


def _words(phones: Iterable[Phone]) -> tuple[tuple[int, int, int], ...]:
    """A word lasts from its first phone to the end of its last."""
    spans: dict[int, tuple[int, int]] = {}
    for number, name, start, end in phones:
        if name != SILENCE:
            spans[number] = (min(start, spans.get(number, (start, end))[0]), end)
    return tuple((number, *span) for number, span in sorted(spans.items()))


def main(arguments: Sequence[str]) -> None:
    """The server: questions from standard input, answers to standard output, until the input ends."""
    from speechrnn.text.espeak_server import serve

    streams: tuple[IO[bytes], IO[bytes]] = (sys.stdin.buffer, sys.stdout.buffer)
    serve(*streams, fork="--no-fork" not in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
