"""What the search of a folder is about, so that no other one is mixed into it."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuning.spaces import Space
from tuning.trials import read_search_facts, read_trials, write_search

if TYPE_CHECKING:
    from tuning.hypermodel import NetworkSearch

# What the same search may have otherwise when it goes on.
_FREE = ("max_trials", "versions", "digest")


def describe(
    networks: "NetworkSearch",
    tuner: str,
    max_trials: int | None,
    seed: int,
    choices: dict[str, Any],
    path: str | None,
) -> dict[str, Any]:
    """What a search is about, as JSON gives it back.

    Args:
        networks: What is searched.
        tuner: Name of the tuner.
        max_trials: Trials to train; `None` for all.
        seed: Seed of what the tuner draws.
        choices: Values that a user gives for hyperparameters.
        path: File of the dataset; `None` if there is none.

    Returns:
        What `search.json` has. `digest` tells one search from another; how many trials
        there are to be is not part of it.
    """
    import keras

    from tuning._compat import digest_of
    from tuning.hypermodel import SETTINGS

    space, dataset = networks.space, networks.dataset
    backend = keras.backend.backend()
    facts = {
        "space": space.name,
        "title": space.title,
        "reference": space.reference,
        "tuner": tuner,
        "objective": networks.objective.name,
        "direction": networks.objective.direction,
        "dataset": {
            "digest": dataset.digest,
            "path": path,
            "targets": list(dataset.targets),
            "length": dataset.length,
        },
        "settings": {name: getattr(networks.settings, name) for name in SETTINGS},
        "seeds": networks.seeds,
        "seed": seed,
        "max_trials": max_trials,
        "max_parameters": networks.max_parameters,
        "max_memory": networks.max_memory,
        "choices": choices,
        "network_names": list(space.networks),
        "metrics": dict(space.metrics),
        "backend": backend,
        "versions": {
            name: version(name) for name in ("rckeras", "keras", "keras-tuner")
        },
    }
    facts = json.loads(json.dumps(facts))
    same = {name: facts[name] for name in facts if name not in _FREE}
    same["dataset"] = facts["dataset"]["digest"]
    package = facts["versions"]["rckeras"]
    return facts | {"digest": digest_of([same, package, _fingerprint(networks)])}


def _fingerprint(networks: "NetworkSearch") -> list:
    """What values stand for, one changed at a time, lest the space be another."""
    space, dataset = networks.space, networks.dataset
    found = []
    for choice in space.choices:
        for value in choice.values:
            values = _complete(space, choice.name, value)
            try:
                stands_for = space.network(values, dataset.length, len(dataset.targets))
            except ValueError as error:
                stands_for = str(error)
            found.append([values, stands_for])
    return found


def _complete(space: Space, name: str, value: Any) -> dict[str, Any]:
    """Default values, but for one, of all that matter then."""
    values: dict[str, Any] = {}
    for choice in space.choices:
        if choice.matters(values):
            values[choice.name] = value if choice.name == name else choice.default
    return values


def open_folder(folder: Path, facts: dict[str, Any], worker: bool) -> None:
    """Make the folder of a search, or open that of the same search to go on.

    Args:
        folder: The folder.
        facts: What the search is about, see `describe`.
        worker: Whether this process is a worker, which leaves the folder to its chief.

    Raises:
        ValueError: If the folder holds another search, or lacks some of its files.
    """
    from tuning._compat import PROJECT

    found = read_search_facts(folder)
    begun = (folder / PROJECT / "oracle.json").exists()
    if found is None and (begun or read_trials(folder)):
        raise ValueError(
            f"{folder} has trials of a search whose search.json is gone; choose "
            "another folder"
        )
    if found is not None and found.get("digest") != facts["digest"]:
        differing = ", ".join(_differences(found, facts)) or "the networks of its space"
        raise ValueError(
            f"{folder} holds another search: {differing}. Choose another folder, or "
            "give the arguments of then to go on"
        )
    if found is not None and not begun and not worker and read_trials(folder):
        raise ValueError(
            f"{folder} has lost the folder {PROJECT} of its search, which cannot go "
            "on; choose another folder"
        )
    if found is None or not worker:
        folder.mkdir(parents=True, exist_ok=True)
        write_search(folder, facts)


def _differences(found: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    """What tells two searches apart, in words."""
    flat = [_flatten(each) for each in (found, facts)]
    return [
        f"{name} was {flat[0].get(name)!r} and is {flat[1].get(name)!r}"
        for name in flat[0] | flat[1]
        if flat[0].get(name) != flat[1].get(name)
    ]


def _flatten(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that must be the same, settings one by one."""
    rest = {name: facts[name] for name in facts if name not in (*_FREE, "settings")}
    rest["dataset"] = facts.get("dataset", {}).get("digest", "")[:12]
    rest["version"] = facts.get("versions", {}).get("rckeras")
    return rest | facts.get("settings", {})
