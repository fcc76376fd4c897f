"""The examples of the README run, and print what it says."""

import contextlib
import io
import re
import shutil
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
EXAMPLE = re.compile(r"```python\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)


def test_examples_print_what_the_readme_shows(shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(shared_data / "prdm9_brown2018_keras2.weights.h5", "SavedModel.h5")
    variables: dict = {}
    examples = EXAMPLE.findall(README.read_text("utf-8"))
    assert len(examples) >= 5
    for code, expected in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, variables)
        if expected:
            assert printed.getvalue() == expected
