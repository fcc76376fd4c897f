"""The `rckeras` command: a flat table of subcommands, of which one is imported.

Exit codes: 0 done, 1 a failed check or an error in data, files or weights (one line
on stderr; `--debug` shows where), 2 wrong usage, 130 interrupted, 141 if the reader of
the output has gone, as `cat` has it.
"""

import argparse
import difflib
import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from types import ModuleType

COMMANDS = (
    ("list", "networks of the zoo", "zoo.commands.list"),
    ("describe", "the card of a network", "zoo.commands.describe"),
    ("predict", "predictions for FASTA, BED or a dataset", "zoo.commands.predict"),
    ("train", "a network trained on a dataset", "zoo.commands.train"),
    ("evaluate", "AUROC and AUPRC on a dataset", "zoo.commands.evaluate"),
    ("attribute", "bases that answers rest on", "zoo.commands.attribute"),
    ("variants", "effects of the variants of a VCF file", "zoo.commands.variants"),
    ("motifs", "what the filters of a network look for", "zoo.commands.motifs"),
    ("report", "a page of what a network has learnt", "zoo.commands.report"),
    ("tune", "a search for hyperparameters", "tuning.commands.tune"),
    ("reproduce", "experiments of the papers, run again", "zoo.commands.reproduce"),
    ("fidelity", "papers and package, number by number", "zoo.commands.fidelity"),
    ("data", "datasets from files, or simulated", "zoo.commands.data"),
    ("check", "whether networks compute what they should", "zoo.commands.check"),
    ("quickstart", "a first run without files", "zoo.commands.quickstart"),
)

_EXPECTED = ValueError, OSError, ImportError
_DEBUG = "show where an error arose"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `rckeras` command.

    Args:
        argv: Arguments; those of the process by default.

    Returns:
        Exit code.

    Raises:
        SystemExit: With 0 after a help text, with 2 after wrong usage.
    """
    # Without this, TensorFlow reports on itself on stderr.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    arguments = list(sys.argv[1:] if argv is None else argv)
    split = next(
        (i for i, word in enumerate(arguments) if not word.startswith("-")),
        len(arguments),
    )
    parser = _main_parser()
    options = parser.parse_args(arguments[:split])
    if options.version:
        return _print_version()
    if split == len(arguments):
        parser.error("a command is needed")
    module, args = _parse_command(parser, arguments[split], arguments[split + 1 :])
    debug = vars(args).pop("debug") or options.debug
    return _run(module, args, debug)


def _main_parser() -> argparse.ArgumentParser:
    width = max(len(name) for name, _, _ in COMMANDS)
    listed = "\n".join(f"  {name.ljust(width)}  {help}" for name, help, _ in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="rckeras",
        usage="rckeras COMMAND [ARGUMENTS]",
        description="Networks of regulatory genomics that know both strands.",
        epilog=f"commands:\n{listed}\n\nrckeras COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("--debug", action="store_true", help=_DEBUG)
    return parser


def _print_version() -> int:
    from importlib.metadata import version

    print(f"rckeras {version('rckeras')}")
    return 0


def _parse_command(
    parser: argparse.ArgumentParser, name: str, arguments: list[str]
) -> tuple[ModuleType, argparse.Namespace]:
    """The module of a command, and its arguments."""
    commands = {command: (help, module) for command, help, module in COMMANDS}
    if name not in commands:
        near = difflib.get_close_matches(name, commands, n=2, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See rckeras --help"
        parser.error(f"there is no command {name!r}. {hint}")
    help, path = commands[name]
    module = importlib.import_module(path)
    chosen = argparse.ArgumentParser(
        prog=f"rckeras {name}",
        description=f"{help[0].upper()}{help[1:]}.",
        allow_abbrev=False,
    )
    chosen.add_argument("--debug", action="store_true", help=_DEBUG)
    module.add_arguments(chosen)
    args = chosen.parse_args(arguments)
    if "command_line" in args:
        args.command_line = shlex.join(["rckeras", name, *arguments])
    return module, args


def _run(module: ModuleType, args: argparse.Namespace, debug: bool) -> int:
    try:
        code = module.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        return 141
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if debug:
            raise
        print(f"rckeras: error: {_explain(error)}", file=sys.stderr)
        return 1
    return code


def _explain(error: Exception) -> str:
    """The message of an error; of an unforeseen one its type and beginning."""
    from zoo.messages import in_one_line, in_short

    if isinstance(error, _EXPECTED):
        return in_one_line(error)
    return f"{in_short(error)} (--debug shows more)"


def _drop_stdout() -> None:
    """Send what is still buffered nowhere, for Python flushes it at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
