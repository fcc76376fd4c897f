"""Messages in one line, and times."""

from zoo.messages import duration, in_one_line, in_short


def test_lines_are_joined():
    error = OSError("could not fetch:\n  a: refused\n  b: gone.\nput it here")
    assert in_one_line(error) == "could not fetch: a: refused; b: gone. put it here"


def test_an_error_without_a_message_is_its_type():
    assert in_one_line(ValueError()) == in_short(ValueError()) == "ValueError"


def test_a_file_is_named_with_what_is_wrong():
    error = FileNotFoundError(2, "No such file or directory", "x.fa")
    assert in_one_line(error) == "x.fa: No such file or directory"


def test_the_gist_has_no_traceback_no_colour_and_an_end():
    error = TypeError(
        "\x1b[1mwrong\x1b[0m:\n  File one\n\tFile two\nsize " + "x " * 999
    )
    text = in_short(error)
    assert text.startswith("TypeError: wrong: size x x")
    assert text.endswith(" ...")
    assert len(text) < 330


def test_times_have_the_unit_that_suits_them():
    times = [duration(s) for s in (0.4, 99, 100, 3_600, 5_999, 36_000)]
    assert times == ["0 s", "99 s", "2 min", "60 min", "100 min", "10.0 h"]
