"""speechrnn: recognize speech and other audio sequences with recurrent networks.

>>> import speechrnn
>>> recognizer = speechrnn.load("runs/an4/small/model")      # doctest: +SKIP
>>> recognizer.transcribe("call.wav").text                   # doctest: +SKIP
'PLEASE HELP'
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "load"]

if TYPE_CHECKING:
    from speechrnn.recognizer import load


def __getattr__(name: str) -> Any:
    # PEP 562: `import speechrnn` stays instant; torch is imported when a model is loaded.
    if name == "load":
        from speechrnn.recognizer import load

        return load
    raise AttributeError(f"module 'speechrnn' has no attribute {name!r}")
