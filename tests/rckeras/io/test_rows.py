import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.rows import data_lines, parse_number, split_columns


def read(path, text):
    path.write_text(text)
    return list(data_lines(path, "row"))


def test_white_space_after_a_row_does_not_count(tmp_path):
    text = "\n # x\ntrack a\nchr1\t5\t10\t \r\n  chr2 5 10  \n \t\n#\tx\nchr3\t1\t2"
    rows = read(tmp_path / "rows", text)
    assert [number for number, _ in rows] == [4, 5, 8]
    assert [split_columns(row) for _, row in rows] == [
        ["chr1", "5", "10"],
        ["chr2", "5", "10"],
        ["chr3", "1", "2"],
    ]


@pytest.mark.parametrize("row", ["\t5\t10\t20", " \t5\t10", " chr1\t5\t10"])
def test_an_empty_first_column_is_refused(tmp_path, row):
    words = re.escape("rows:2: the first column must not be empty or start with white")
    with pytest.raises(ValueError, match=words) as error:
        read(tmp_path / "rows", f"chr1\t1\t2\n{row}\nchr1\t3\t4\n")
    assert str(error.value).endswith(f"Received: {row!r}")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_it_was_written(number):
    for text in (repr(number), f"{number:e}", f"{number:.17g}", f"{number:f}"):
        assert parse_number(text, "value", "here") == float(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("-1", -1), ("+2.5", 2.5), (".5", 0.5), ("3.", 3), ("2E-4", 0.0002)],
)
def test_numbers_have_many_forms(text, number):
    found = parse_number(text, "value", "here")
    assert isinstance(found, float)
    assert found == number


@pytest.mark.parametrize(
    "text", ["", ".", "x", "1_0", " 1", "1 ", "nan", "inf", "-Inf", "1e999", "0x1", "٣"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match=r"^here: the value must be a number") as error:
        parse_number(text, "value", "here")
    assert str(error.value).endswith(f"Received: {text!r}")
