"""`rckeras tune`: a search over the hyperparameters that a paper chose among."""

import argparse
import contextlib
import os
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tuning.search import TUNERS
from tuning.spaces import space
from zoo.commands import import_keras, resumable
from zoo.commands.pairs import add_data_arguments, add_fasta_options, open_data
from zoo.learning import TrainingSettings
from zoo.messages import did_you_mean

if TYPE_CHECKING:
    from tuning.results import SearchResults
    from tuning.spaces import Space

OBJECTIVES = tuple(space.OBJECTIVES)

_SHOWN = 10  # trials that are printed
_SWITCH = {"on": True, "true": True, "off": False, "false": False}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.set_defaults(command_line=None)
    parser.add_argument(
        "space",
        metavar="SPACE",
        nargs="?",
        help="search space, see --list (which takes a pattern here, such as 'koo*')",
    )
    add_data_arguments(parser, nargs="?")
    parser.add_argument(
        "--list", action="store_true", help="show the spaces, and what they vary"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FOLDER",
        help="show what a search has found so far, and write its leaderboard.csv and "
        "report.html",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        type=Path,
        help="folder of the search: best.keras and best.json, leaderboard.csv, "
        "report.html, and what it takes to go on",
    )
    parser.add_argument(
        "--quiet",
        action="store_false",
        dest="progress",
        help="no progress on standard error",
    )
    parser.epilog = (
        "Stopped in whatever way, the same command goes on, and repeats no finished "
        "trial. Examples: rckeras tune shrikumar2017 simulated.h5 -o search "
        "--max-trials 30 --set filters=8,16; rckeras tune koo2019 simulated.h5 -o koo "
        "--tuner grid --seeds 1 --set epochs=20 --workers 4"
    )
    _add_search_options(parser)
    _add_worker_options(parser)
    add_fasta_options(parser)


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("search")
    group.add_argument(
        "--tuner",
        choices=TUNERS,
        default="random",
        help="how to choose the next trial (default: random)",
    )
    group.add_argument(
        "--objective",
        metavar="METRIC",
        help=f"number to compare by: {', '.join(OBJECTIVES)} (default: the paper's)",
    )
    group.add_argument(
        "--max-trials",
        type=int,
        metavar="N",
        help="trials to train, pruned ones aside; more of them go on with a search "
        "(default: 20; all with grid and hyperband)",
    )
    group.add_argument(
        "--max-seconds", type=float, metavar="N", help="begin no trial after N seconds"
    )
    group.add_argument(
        "--max-parameters",
        type=int,
        metavar="N",
        help="train no network with more parameters",
    )
    group.add_argument(
        "--max-memory",
        type=float,
        metavar="GB",
        help="train no network that needs more memory, as estimated",
    )
    group.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="seeds of each network, whose mean counts (default: the paper's)",
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the choice (default: 0)"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        dest="given",
        metavar="NAME=VALUE[,VALUE]",
        help="values to choose among, or one to fix, for a hyperparameter or a setting "
        "of training (filters=8,16; epochs=20); may be repeated",
    )
    group.add_argument(
        "--length",
        type=int,
        metavar="N",
        help="train on the central N bases (default: the paper's length, or all); of "
        "FASTA files, bring sequences to N bases as --fit says",
    )


def _add_worker_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "several processes",
        "On many machines, run the same command on each without --workers, with "
        "KERASTUNER_TUNER_ID=chief on one and names of their own (worker-0, worker-1, "
        "...) on the others, and with KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, "
        "the address of the chief, on all. FOLDER must be on a file system that they "
        "share, and the network one that you trust. A worker that has died must come "
        "back under its name. Where a worker sees several devices, JAX shares each "
        "batch out over them; TensorFlow and PyTorch use one.",
    )
    group.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="train N trials at a time on this machine, by a chief and N workers, "
        "among which devices are divided; FOLDER/logs has what each prints",
    )


def run(args: argparse.Namespace) -> int:
    """Search, list the spaces, or report on a search."""
    if args.list:
        return _list_spaces(args.space or "*")
    if args.report is not None:
        return _report(args.report, args.progress)
    for name, value in (("SPACE", args.space), ("DATA", args.data)):
        if value is None:
            raise ValueError(f"{name} is needed; --list shows the spaces")
    if args.output is None:
        raise ValueError("-o FOLDER is needed, the folder of the search")
    with resumable(args.progress):
        results = _run_workers(args) if _is_launcher(args) else _search(args)
    if "KERASTUNER_ORACLE_IP" not in os.environ:
        _show(results)
    return 0


def _is_launcher(args: argparse.Namespace) -> bool:
    """Whether to start the processes, of which this one is none."""
    return args.workers is not None and "KERASTUNER_ORACLE_IP" not in os.environ


def _run_workers(args: argparse.Namespace) -> "SearchResults":
    from tuning.results import read_search
    from tuning.spaces import find_space
    from tuning.workers import launch

    _divide(find_space(args.space), args.given)  # rather here than in each process
    main = "import sys; from tuning.cli import main; sys.exit(main())"
    words = shlex.split(args.command_line)[1:]
    command = [sys.executable, "-c", main, *words]
    launch(command, args.output, args.workers, progress=args.progress)
    return read_search(args.output)


def _search(args: argparse.Namespace) -> "SearchResults":
    from tuning.search import search
    from tuning.spaces import find_space

    space = find_space(args.space)
    settings, choices = _divide(space, args.given)
    if args.length is not None:
        settings["length"] = args.length
    import_keras()
    dataset, sources = open_data(args)
    names = "tuner objective max_trials max_seconds max_parameters seeds seed"
    return search(
        space,
        dataset,
        args.output,
        **{name: getattr(args, name) for name in names.split()},
        max_memory=None if args.max_memory is None else int(args.max_memory * 1e9),
        settings=settings,
        choices=choices,
        sources=sources,
        command=args.command_line,
        progress=args.progress,
    )


def _list_spaces(pattern: str) -> int:
    from tuning.spaces import find_space, list_spaces

    names = list_spaces(pattern)
    if not names:
        raise ValueError(f"no search space is called like {pattern!r}; see --list")
    print("\n\n".join(str(find_space(name)) for name in names))
    return 0


def _report(folder: Path, progress: bool) -> int:
    from tuning.report import write_report
    from tuning.results import read_search

    results = read_search(folder)
    results.write_leaderboard(folder / "leaderboard.csv")
    write_report(results, folder / "report.html")
    _show(results)
    if progress:
        print(f"{folder / 'report.html'} shows more", file=sys.stderr)
    return 0


def _show(results: "SearchResults") -> None:
    """Print the best trials, and how to build the best network."""
    print(results.table(_SHOWN), end="")
    if results.count("done") and results.best().network:
        print(f"\nnetwork = {results.code(results.best())}")


def _assignment(text: str) -> tuple[str, list[str]]:
    name, equals, values = text.partition("=")
    if not (name and equals and values):
        raise argparse.ArgumentTypeError(
            f"must be like filters=8,16 or epochs=20. Received: {text!r}"
        )
    return name.replace("-", "_"), values.split(",")


def _divide(
    space: "Space", given: list[tuple[str, list[str]]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of training, and choices of hyperparameters, from texts.

    Raises:
        ValueError: If a name is unknown or was given twice, or a text is no value of
            its kind.
    """
    if len(dict(given)) < len(given):
        raise ValueError("--set must name each hyperparameter once, as in filters=8,16")
    kinds = {field.name: field.type for field in fields(TrainingSettings)}
    kinds |= {choice.name: type(choice.default) for choice in space.choices}
    chosen = [choice.name for choice in space.choices]
    settings, choices = {}, {}
    for name, texts in given:
        if name not in kinds:
            raise ValueError(
                f"--set {name}: {space.name} has the hyperparameters "
                f"{', '.join(chosen)}, and training the settings of `zoo."
                f"TrainingSettings`. {did_you_mean(name, kinds, 2)}Received: {name!r}"
            )
        values = [_value(name, text, kinds.get(name)) for text in texts]
        if name in chosen or len(values) > 1:
            choices[name] = values if len(values) > 1 else values[0]
        else:
            settings[name] = values[0]
    return settings, choices


def _value(name: str, text: str, kind: Any) -> Any:
    """The value of a text; of a name that is not known, what it looks like."""
    options = set(get_args(kind) or (kind,))
    optional = not options.isdisjoint({None, type(None)})
    options -= {None, type(None)}
    if optional and text == "none":
        return None
    if str in options:
        return text
    if bool in options and text.lower() in _SWITCH:
        return _SWITCH[text.lower()]
    for number in (int, float):
        if number in options or not options:
            with contextlib.suppress(ValueError):
                return number(text)
    if not options:
        return text
    words = {bool: "on or off", int: "a whole number", float: "a number"}
    what = words[options.pop()] + (" or none" if optional else "")
    raise ValueError(f"--set {name} must be {what}. Received: {text!r}")
