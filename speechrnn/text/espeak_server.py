"""The side of :mod:`speechrnn.text.espeak` that loads the library; it runs only in the child process."""

from __future__ import annotations

import base64
import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_UTF8 = 1
_BY_CHARACTER = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_WORD, _PHONEME = 1, 7
_IPA_SEPARATED = ord("_") << 8 | 0x02


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """``espeak_EVENT`` of the library's ``speak_lib.h``."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Library:
    """The library, initialized but silent so far."""

    def __init__(self) -> None:
        import espeakng_loader

        self.library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.data = Path(espeakng_loader.get_data_path())
        self.sampling_rate: int = self.library.espeak_Initialize(
            _SYNCHRONOUS, 0, os.fsencode(self.data), _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        )
        self.library.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if self.sampling_rate <= 0:
            return {"error": "the library does not start; its data files are damaged"}
        variant = question["variant"]
        if variant and not (self.data / "voices" / "!v" / variant).is_file():
            return {"error": f"there is no variant {variant!r}"}
        voice = f"{question['language']}+{variant}" if variant else question["language"]
        if self.library.espeak_SetVoiceByName(voice.encode("utf-8")) != 0:
            return {"error": f"there is no voice {voice!r}"}
        if "pronounce" in question:
            return {"phones": [self._pronounce(word) for word in question["pronounce"]]}
        return self._speak(question)

    def _speak(self, question: dict[str, Any]) -> dict[str, Any]:
        for parameter, name in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "pitch_range")):
            self.library.espeak_SetParameter(parameter, question[name], 0)
        chunks: list[bytes] = []
        events: list[tuple[str, Any, int]] = []

        def receive(samples: Any, count: int, incoming: Any) -> int:
            if samples and count:
                chunks.append(ctypes.string_at(samples, 2 * count))
            index = 0
            while incoming[index].type:
                event = incoming[index]
                if event.type == _WORD:
                    events.append(("word", event.text_position - 1, event.sample))
                elif event.type == _PHONEME:
                    # At most eight bytes, without an end mark when there are eight; a cut letter is dropped.
                    raw = ctypes.string_at(ctypes.addressof(event) + _Event.id.offset, 8).split(b"\0")[0]
                    events.append(("phone", raw.decode("utf-8", "ignore"), event.sample))
                index += 1
            return 0

        callback = _CALLBACK(receive)
        self.library.espeak_SetSynthCallback(callback)
        text = question["text"].encode("utf-8")
        code = self.library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, _BY_CHARACTER, 0, _UTF8, None, None)
        if code != 0 or not chunks:
            return {"error": f"it cannot speak {question['text']!r} (code {code})"}
        alone = [self._pronounce(word) for word in question["text"].split()]
        audio = base64.b64encode(b"".join(chunks)).decode("ascii")
        return {"sampling_rate": self.sampling_rate, "audio": audio, "events": events, "alone": alone}

    def _pronounce(self, word: str) -> str:
        pointer = ctypes.c_char_p(word.encode("utf-8"))
        spoken = []
        while pointer.value:
            spoken.append(self.library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, _IPA_SEPARATED).decode("utf-8"))
        return " ".join(spoken)


def serve(questions: IO[bytes], answers: IO[bytes], *, fork: bool) -> None:
    """Answer until the questions end; each answer comes from a process that has not spoken before."""
    if "--once" in sys.argv:
        answers.write(json.dumps(_Library().answer(json.loads(questions.readline()))).encode("ascii") + b"\n")
        return
    # Ctrl-C is the parent's to handle; it closes our input, and the loop ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    library = _Library() if fork and hasattr(os, "fork") else None
    while question := questions.readline():
        answers.write(_fresh(question) if library is None else _forked(library, question))
        answers.flush()


def _forked(library: _Library, question: bytes) -> bytes:
    """The answer of a fork; an end of line with an error where the library crashes in it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "wb") as stream:
                stream.write(json.dumps(library.answer(json.loads(question))).encode("ascii") + b"\n")
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    return answer if status == 0 else _crashed(status)


def _fresh(question: bytes) -> bytes:
    command = [sys.executable, "-m", "speechrnn.text.espeak", "--once"]
    done = subprocess.run(command, input=question, stdout=subprocess.PIPE, check=False)
    return done.stdout if done.returncode == 0 else _crashed(done.returncode)


def _crashed(status: int) -> bytes:
    return json.dumps({"error": f"the library crashed (status {status})"}).encode("ascii") + b"\n"
