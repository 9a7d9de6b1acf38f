from __future__ import annotations

from pathlib import Path

import pytest

from speechrnn.errors import DataError
from speechrnn.scoring.id_text import read_id_text


def test_ids_and_texts_as_editors_write_them(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfu1 wa\xcc\x81  o \r\nu2\r\n\r\nu3\tb c")
    assert read_id_text(path) == {"u1": "wa\u0301  o", "u2": "", "u3": "b c"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"u1 a\nu2 b\nu1 c\n", "line 3: the id 'u1' occurs in line 1 already"),
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"u1 \xe9\n", "byte 3 is not utf-8"),
    ],
)
def test_wrong_files_are_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_id_text(tmp_path / "text")
    assert caught.value.remedy
