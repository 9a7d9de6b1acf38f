from __future__ import annotations

import pytest

from speechrnn.errors import DataError
from speechrnn.text.files import numbered_lines, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes("été\r\nok\rso\n".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "été\nok\nso\n"


def test_numbered_lines_skip_blank_ones_and_need_no_last_line_end(tmp_path):
    (tmp_path / "a.txt").write_bytes("a\n\n \nb\u2028c\r\nd".encode())
    assert list(numbered_lines(tmp_path / "a.txt")) == [(1, "a"), (4, "b\u2028c"), (5, "d")]


@pytest.mark.parametrize("content", [b"", b"\n", b"x"])
def test_short_files(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    assert read_text(tmp_path / "a.txt") == content.decode()


def test_errors(tmp_path):
    with pytest.raises(DataError, match="no such file") as error:
        read_text(tmp_path / "none.txt", "make one")
    assert error.value.remedy == "make one"
    (tmp_path / "a.txt").write_bytes(b"\xff\xfea")
    with pytest.raises(DataError, match="is not utf-16"):
        read_text(tmp_path / "a.txt")
