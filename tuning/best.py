"""The best network of a search, and the files that say how it came about."""

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rckeras.datasets.file import describe_source, versions
from rckeras.io.whole import complete_or_none, write_whole
from tuning.hypermodel import NETWORK, SCORE, NetworkSearch
from tuning.report import write_report
from tuning.results import read_search
from tuning.trials import Trial, read_search_facts
from zoo.store import sha256_of

RUNS = "runs"  # folder of what trials leave, in that of a search


def publish(
    folder: Path,
    networks: NetworkSearch,
    command: str | None,
    sources: Sequence[str | os.PathLike],
) -> None:
    """Write the files of a search's end, which is begun anew by each that comes later.

    Args:
        folder: Folder of the search.
        networks: What was searched.
        command: Command line to note; `None` for none.
        sources: Files that the dataset was made from.

    Raises:
        ValueError: If no trial is done.
        FileNotFoundError: If the network of the best trial is gone.
    """
    best, seed, network = find_best(folder)
    _write_card(folder, networks, best, seed, network, command, sources)
    with complete_or_none(folder / "best.keras") as part:
        shutil.copyfile(network, part)
    results = read_search(folder)
    results.write_leaderboard(folder / "leaderboard.csv")
    write_report(results, folder / "report.html")


def _write_card(
    folder: Path,
    networks: NetworkSearch,
    best: Trial,
    seed: int,
    network: Path,
    command: str | None,
    sources: Sequence[str | os.PathLike],
) -> None:
    """Write how the best network came about."""
    facts = read_search_facts(folder)
    found = json.loads(network.with_name(SCORE).read_text("utf-8"))
    plan = networks.plan(best.hyperparameters)
    settings = dataclasses.replace(plan.settings, seed=seed)
    card = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "space": facts["space"],
        "search": facts["digest"],
        "trial": best.trial,
        "hyperparameters": dict(best.hyperparameters),
        "network": plan.network,
        "arguments": dict(plan.arguments),
        "code": read_search(folder).code(best),
        "data": {**facts["dataset"], "sources": [*map(describe_source, sources)]},
        "notes": dict(networks.dataset.notes),
        **dataclasses.asdict(settings),
        "objective": facts["objective"],
        "score": best.score,
        "scores": list(best.scores),
        "epochs_trained": found["epochs"],
        "best_epoch": found["best_epoch"],
        "metrics": found["metrics"],
        "measured": found["measured"],
        "parameters": found["parameters"],
        "sha256": sha256_of(network),
        "backend": facts["backend"],
        "versions": versions() | {"keras-tuner": facts["versions"]["keras-tuner"]},
    }
    write_whole(folder / "best.json", json.dumps(card, indent=2) + "\n")


def find_best(folder: Path) -> tuple[Trial, int, Path]:
    """The best trial of a search, its best seed, and the file of its network.

    Args:
        folder: Folder of the search.

    Raises:
        ValueError: If no trial is done.
        FileNotFoundError: If the file is gone.
    """
    results = read_search(folder)
    best = results.best()
    seed = best_seed(best, results.facts["direction"])
    path = folder / RUNS / best.trial / f"seed-{seed}" / NETWORK
    if not path.is_file():
        raise FileNotFoundError(f"the network of the best trial is gone: {path}")
    return best, seed, path


def best_seed(trial: Trial, direction: str) -> int:
    """The seed with which a trial did best, by `"max"` or `"min"`."""
    choose = max if direction == "max" else min
    return trial.scores.index(choose(trial.scores))
