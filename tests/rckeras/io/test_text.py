import gzip
import io
import struct
import sys
import zlib

import pytest

from rckeras.io.text import open_text

TEXT = "first\nsecond\n\nlast, without an end"


def bgzip(data, size):
    """Blocked gzip (SAM specification, section 4.1): `size` bytes a block."""
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(map(bgzip_block, [*blocks, b""]))


def bgzip_block(data):
    deflate = zlib.compressobj(wbits=-15)
    body = deflate.compress(data) + deflate.flush()
    extra = struct.pack("<2sHH", b"BC", 2, len(body) + 25)
    head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(extra))
    return head + extra + body + struct.pack("<II", zlib.crc32(data), len(data))


def lines_of(path):
    with open_text(path) as lines:
        return list(lines)


PACKINGS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "bgzip": lambda data: bgzip(data, 7),
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_lines_are_the_same_however_compressed_and_named(tmp_path, packing):
    for name in ("text.txt", "text.gz"):
        path = tmp_path / name
        path.write_bytes(PACKINGS[packing](TEXT.encode()))
        assert lines_of(path) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_every_system_end_alike(tmp_path, end):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.replace("\n", end).encode())
    assert lines_of(path) == TEXT.splitlines(keepends=True)


def test_an_empty_file_has_no_lines(tmp_path):
    path = tmp_path / "empty.txt"
    path.write_bytes(b"")
    assert lines_of(path) == []


def test_text_beyond_ascii_is_read(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("naïve\n", encoding="utf-8")
    assert lines_of(path) == ["naïve\n"]


def test_a_byte_order_mark_is_dropped(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("chr1\n", encoding="utf-8-sig")
    assert lines_of(path) == ["chr1\n"]


def test_a_string_is_a_path(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("one\n")
    assert lines_of(str(path)) == ["one\n"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_dash_is_the_standard_input_which_stays_open(monkeypatch, packing):
    data = io.BufferedReader(io.BytesIO(PACKINGS[packing](TEXT.encode())))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    assert lines_of("-") == TEXT.splitlines(keepends=True)
    assert not data.closed


def test_the_file_is_closed_when_the_reader_stops_early(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    with open_text(path) as lines:
        next(lines)
    with pytest.raises(ValueError, match="detached"):
        next(lines)


def test_an_error_of_the_user_passes_unchanged(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    with pytest.raises(EOFError, match="mine"), open_text(path):
        raise EOFError("mine")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        lines_of(tmp_path / "missing.txt")


@pytest.mark.parametrize("packing", PACKINGS)
def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path, packing):
    path = tmp_path / "text.txt"
    # Far enough into the file for the decoder to have read several pieces.
    data = b"a line\n" * 20_000 + b"ab\xe9d\n" + b"a line\n" * 20_000
    path.write_bytes(gzip.compress(data) if packing == "gzip" else data)
    with pytest.raises(ValueError, match=r"byte 0xe9 as character 3") as error:
        lines_of(path)
    assert str(error.value).startswith(f"{path}:20001: ")


@pytest.mark.parametrize("packing", ["gzip", "bgzip"])
def test_compressed_data_cut_short_are_refused(tmp_path, packing):
    path = tmp_path / "text.gz"
    path.write_bytes(PACKINGS[packing](TEXT.encode() * 50)[:-40])
    with pytest.raises(ValueError, match="cut short") as error:
        lines_of(path)
    assert str(error.value).startswith(f"{path}:")


def test_damaged_compressed_data_are_refused(tmp_path):
    path = tmp_path / "text.gz"
    data = bytearray(gzip.compress(TEXT.encode() * 50))
    data[-8] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"damaged \(CRC check failed") as error:
        lines_of(path)
    assert str(error.value).startswith(f"{path}:")
