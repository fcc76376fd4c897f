"""Subcommands of `rckeras`, one a file, each a thin face of one public function."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what native code writes to stderr, unless there is an exception."""
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def import_keras() -> None:
    """Import Keras without the start-up messages of its backend."""
    sys.stderr.flush()
    with quiet_stderr():
        import keras

        keras.ops.zeros(())  # backends look for devices at the first operation
