import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tuning import cli

ROOT = Path(cli.__file__).parents[1]
NAMES = [name for name, _, _ in cli.COMMANDS]


def python(code, stdout=subprocess.PIPE, **options):
    """Run code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture
def command(monkeypatch):
    """Function that makes `rckeras stub` run a function."""

    def install(run):
        module = types.SimpleNamespace(add_arguments=lambda parser: None, run=run)
        monkeypatch.setitem(sys.modules, "stub_command", module)
        monkeypatch.setattr(cli, "COMMANDS", (("stub", "a stub", "stub_command"),))

    return install


def fail(error):
    def run(args):
        raise error

    return run


def test_help_texts_appear_without_keras():
    code = """
import contextlib, io, sys
from tuning.cli import COMMANDS, main
for words in [[], *([name] for name, _, _ in COMMANDS)]:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main([*words, "--help"])
        except SystemExit as end:
            assert end.code == 0
    assert out.getvalue().startswith("usage: rckeras"), out.getvalue()
heavy = {"keras", "tensorflow", "jax", "torch", "rckeras", "h5py"} & set(sys.modules)
print(sorted(heavy))
"""
    result = python(code)
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_the_help_lists_all_commands(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    listed = capsys.readouterr().out.split("commands:")[1]
    assert all(f"\n  {name} " in listed for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_a_help_text(capsys, name):
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    assert end.value.code == 0
    assert f"usage: rckeras {name}" in capsys.readouterr().out


def test_the_version_is_printed(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("rckeras 0.")


def test_a_misspelt_command_suggests_a_near_one(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["perdict"])
    assert end.value.code == 2
    assert "'perdict'. Did you mean predict?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--debug"], ["--nonsense"], ["predict"]])
def test_wrong_usage_exits_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert "usage: rckeras" in capsys.readouterr().err


def test_options_are_not_abbreviated(capsys):
    with pytest.raises(SystemExit):
        cli.main(["predict", "danq", "in.fa", "--average"])
    assert "unrecognized arguments: --average" in capsys.readouterr().err


def test_the_commands_exit_code_is_passed_on(command):
    command(lambda args: 1)
    assert cli.main(["stub"]) == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("in.fa:3: wrong"), "in.fa:3: wrong"),
        (OSError("could not fetch:\n  a: refused\n  b: gone.\nput it here"), None),
        (ImportError("needs pyarrow"), "needs pyarrow"),
        (FileNotFoundError(2, "No such file or directory", "x.fa"), None),
        (ValueError(), "ValueError"),
    ],
)
def test_an_error_is_one_line(command, capsys, error, text):
    if text is None and error.filename:
        text = "x.fa: No such file or directory"
    command(fail(error))
    assert cli.main(["stub"]) == 1
    expected = text or "could not fetch: a: refused; b: gone. put it here"
    assert capsys.readouterr().err == f"rckeras: error: {expected}\n"


@pytest.mark.parametrize("arguments", [["--debug", "stub"], ["stub", "--debug"]])
def test_debugging_shows_where_an_error_arose(command, arguments):
    command(fail(ValueError("wrong")))
    with pytest.raises(ValueError, match="wrong"):
        cli.main(arguments)


def test_an_unforeseen_error_is_one_line_with_its_type(command, capsys):
    command(fail(RuntimeError("a fault:\n  File one\n  File two\nwrong " * 99)))
    assert cli.main(["stub"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("rckeras: error: RuntimeError: a fault: wrong ")
    assert error.endswith("... (--debug shows more)\n")
    assert error.count("\n") == 1
    assert len(error) < 400
    with pytest.raises(RuntimeError, match="a fault"):
        cli.main(["--debug", "stub"])


def test_an_interrupt_ends_quietly(command, capsys):
    command(fail(KeyboardInterrupt()))
    assert cli.main(["stub"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
@pytest.mark.parametrize("lines", [3, 100_000])
def test_a_reader_that_goes_ends_it_quietly(lines):
    code = """
import sys, types
from tuning import cli
def run(args):
    for line in range(int(sys.stdin.read())):
        print(line)
    return 0
sys.modules["stub"] = types.SimpleNamespace(add_arguments=lambda p: None, run=run)
cli.COMMANDS = (("stub", "a stub", "stub"),)
sys.exit(cli.main(["stub"]))
"""
    # Buffered, as Python is by default, there is something left to flush at the end.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    reading, writing = os.pipe()
    os.close(reading)
    result = python(code, env=environment, input=str(lines), stdout=writing)
    os.close(writing)
    assert (result.stderr, result.returncode) == ("", 141)


def test_tensorflow_is_told_to_be_quiet(command, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    command(lambda args: int(os.environ["TF_CPP_MIN_LOG_LEVEL"]))
    assert cli.main(["stub"]) == 3


def test_the_users_choice_of_messages_stands(command, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    command(lambda args: int(os.environ["TF_CPP_MIN_LOG_LEVEL"]))
    assert cli.main(["stub"]) == 0
