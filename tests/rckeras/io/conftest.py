"""Fixtures of the readers' tests.

A test module says which reader it tests by `READ`, and by `FILE` what to call a file.
"""

import pytest


@pytest.fixture
def write(tmp_path, request):
    """Writes bytes or text to a file of the format."""

    def write(content):
        path = tmp_path / request.module.FILE
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def refused(write, request):
    """The message with which a text is refused, without the file's name."""

    def refused(content):
        path = write(content)
        with pytest.raises(ValueError, match="some") as error:
            list(request.module.READ(path))
        message = str(error.value)
        assert message.startswith(str(path))
        return message.removeprefix(str(path))

    return refused
