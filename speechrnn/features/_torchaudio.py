"""The one door to torchaudio.

The wheel on the package index carries an extension built against CUDA libraries; beside a CPU build of torch,
``import torchaudio`` raises OSError. Nothing here needs that extension, so the import is tried again without it.
"""

from __future__ import annotations

import sys

EXTENSION_LOADED = True

try:
    import torchaudio
except OSError:
    EXTENSION_LOADED = False
    sys.modules["torchaudio._extension.utils"]._load_lib = lambda lib: False  # type: ignore[attr-defined]
    for name in [
        n for n in sys.modules if n == "torchaudio" or (n.startswith("torchaudio.") and n != "torchaudio._extension.utils")
    ]:
        del sys.modules[name]
    import torchaudio

import torchaudio.compliance.kaldi as kaldi  # noqa: E402
import torchaudio.functional as functional  # noqa: E402

__all__ = ["EXTENSION_LOADED", "functional", "kaldi", "torchaudio"]
