from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from speechrnn.reports.png import grey_png


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (64, 301)])
def test_pillow_reads_what_was_written(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 16, shape, dtype=np.uint8)
    read = Image.open(BytesIO(grey_png(picture)))
    read.load()
    assert read.size == (shape[1], shape[0])
    assert np.array_equal(np.asarray(read.convert("L")), picture * 17)
