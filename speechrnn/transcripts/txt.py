"""Plain text: the words and nothing else, or a class and its probability."""

from __future__ import annotations

from speechrnn.records import Transcript
from speechrnn.transcripts.format import Format


def write(transcript: Transcript) -> str:
    """The text and a newline; of a class, a tab and its probability.

    >>> write(Transcript("a.wav", "hello world", 1.5))
    'hello world\\n'
    """
    if transcript.unit == "classes":
        # A label alone would say nothing of how sure it is.
        return f"{transcript.text}\t{transcript.tokens[0].confidence:.4f}\n"
    return transcript.text + "\n"


def read(content: str, identity: str) -> Transcript:
    """The text up to the last newline; the duration is unknown and therefore 0."""
    return Transcript(identity, content.removesuffix("\n"), 0.0)


FORMAT = Format("txt", ".txt", write, read, streams=True)
