"""yesno: 60 recordings of eight words each, every one "yes" or "no", by one man; 8 kHz.

The publisher's page calls the language Hebrew (ken, lo), the README in the archive English.
The transcript is the file name, 1 for yes and 0 for no: ``waves_yesno/1_0_1_1_1_0_1_0.wav``. Made for the Kaldi
project to test recipes with, for free; OpenSLR resource 1.
"""

from __future__ import annotations

import re
from pathlib import Path

from speechrnn.data.prepared import SUFFIXES, Corpus, Prepared, Track, silent, whole_file, write_prepared
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError

CORPUS = Corpus(
    name="yesno",
    title="yesno (OpenSLR resource 1)",
    source="https://www.openslr.org/1/",
    licence="free, made to test recipes with (its README)",
    consent="given by the one anonymous speaker, who contributed the recordings",
    split_rule=(
        "file names sorted and counted from 0: odd positions are test; of the even ones every fifth (the first, sixth, …) is"
        " dev, the others train; the same speaker everywhere"
    ),
    unit="chars",
)
_NAME = re.compile(r"^[01](_[01]){7}$")


def prepare(source: Path, out: Path, *, track: Track = silent) -> Prepared:
    """Manifests. ``source`` is the archive's folder ``waves_yesno`` or the one above it.

    Raises:
        DataError: no such recordings there.
    """
    folder = source / "waves_yesno" if (source / "waves_yesno").is_dir() else source
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES and _NAME.match(path.stem))
    if not files:
        raise DataError(
            f"{folder}: no recordings such as waves_yesno/1_0_1_1_1_0_1_0.wav",
            "give the folder waves_yesno of the publisher's archive",
        )
    splits: dict[str, list[Utterance]] = {"train": [], "dev": [], "test": []}
    for position, path in enumerate(track(files, "yesno", len(files))):
        split = "test" if position % 2 else "dev" if position // 2 % 5 == 0 else "train"
        text = " ".join("YES" if digit == "1" else "NO" for digit in path.stem.split("_"))
        splits[split].append(whole_file(path.stem, path, text, speaker="speaker", language="he"))
    return write_prepared(out, CORPUS, splits)
