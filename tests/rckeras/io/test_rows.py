import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.rows import parse_number


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
