"""The quickstart: an example script, run step by step as it is shown."""

import contextlib
import io
from importlib.resources import files


class _Commented(io.TextIOBase):
    """Writes output as comments, so that all that is shown can be pasted."""

    def __init__(self, stream: io.TextIOBase):
        self.stream = stream
        self.at_start = True

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            self.stream.write("#> " + line if self.at_start else line)
            self.at_start = line.endswith("\n")
        self.stream.flush()
        return len(text)


def run(stream: io.TextIOBase) -> dict:
    """Load a trained network, predict and fine-tune, showing code and output.

    Needs no network and well under two minutes on two cores. What is written can be
    pasted into Python: outputs are comments.

    Args:
        stream: Where to write, such as `sys.stdout`.

    Returns:
        The variables that the script has made, by name.
    """
    script = (files("zoo") / "examples" / "quickstart.py").read_text("utf-8")
    variables: dict = {"__name__": "quickstart"}
    for step in script.split("# %% ")[1:]:
        stream.write(f"# {step.rstrip()}\n")
        stream.flush()
        with contextlib.redirect_stdout(_Commented(stream)):
            exec(compile("# " + step, "quickstart.py", "exec"), variables)
        stream.write("\n")
    return variables
