"""Fixtures shared by all tests."""

import os
import signal
from pathlib import Path

import pytest

# Shells start background jobs with the interrupt ignored; tests interrupt on purpose.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published weights and real sequences; skips where missing."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RCKERAS_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"test data not found at {folder}; set RCKERAS_TEST_DATA")
    return folder
