"""A search space and a dataset as a `keras_tuner.HyperModel`."""

import json
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from rckeras.datasets import Dataset
from rckeras.io.whole import write_whole
from tuning._compat import divide_evenly, use_all_devices
from tuning.size import training_bytes
from tuning.spaces import Space, find_space
from tuning.spaces.space import OBJECTIVES, TUNABLE
from zoo.checking import count_trainable
from zoo.checkpoints import open_run
from zoo.learning import (
    TrainingSettings,
    compile_learner,
    conjoin_if,
    fit,
    make_streams,
    resolve_monitor,
    settle,
)
from zoo.loading import build
from zoo.memory import free_memory
from zoo.notes import Notes, write_notes
from zoo.registry import describe

# What decides on the network or on chance is no setting of a search.
SETTINGS = tuple(
    field.name
    for field in fields(TrainingSettings)
    if field.name not in ("weights", "freeze", "seed")
)

# What a training with one seed leaves in its folder.
NETWORK = "network.keras"
SCORE = "score.json"


class PrunedError(keras_tuner.errors.FailedTrialError):
    """Values that are not trained: they stand for no network, or one above a cap."""


@dataclass(frozen=True)
class Plan:
    """What values of hyperparameters stand for.

    Args:
        network: Name of a network in the zoo.
        arguments: Arguments of its builder, targets aside; and length, unless it reads
            less than it could.
        length: Length of its input in bases.
        settings: How it is trained.
    """

    network: str
    arguments: Mapping[str, Any]
    length: int
    settings: TrainingSettings


@dataclass(frozen=True)
class Score:
    """What came of a training with one seed.

    Args:
        objective: The objective after the best epoch.
        epochs: Epochs trained.
        best_epoch: The best one, from 1.
        metrics: All numbers that were logged after it.
        parameters: Trainable parameters.
        measured: What the measures of the space have found.
    """

    objective: float
    epochs: int
    best_epoch: int
    metrics: Mapping[str, float]
    parameters: int
    measured: Mapping[str, float] = field(default_factory=dict)


class NetworkSearch(keras_tuner.HyperModel):
    """The networks of a search space, trained on a dataset as their paper has it.

    `tuning.search` is made of this. It also fits a tuner of keras-tuner's own: `build`
    makes a compiled model, `fit` trains it up to the best epoch, and further ones with
    other seeds, and returns the objective of each. Where values stand for no network,
    `build` makes a model without weights, for tuners try values before a search, and
    `fit` refuses it. With TensorFlow, such a tuner asks for the package tensorboard;
    that and other faults are mended by `tuning.Repairs`.

    Args:
        space: Name of a search space, see `tuning.list_spaces`, or a space.
        dataset: A `rckeras.datasets.Dataset` with a split "validation".
        objective: One of `OBJECTIVES`: the number by which epochs and networks are
            compared. `None` for that of the space.
        seeds: With how many seeds each network is trained, from 0 on; `None` for as
            many as the paper has.
        settings: Settings of training other than the paper's, by name; see
            `zoo.TrainingSettings`. With another `monitor` the best epoch is chosen by
            that, not by the objective.
        choices: Values for some hyperparameters, see `tuning.Space.change`.
        max_parameters: Networks with more trainable parameters are not trained.
        max_memory: Networks that need more bytes to be trained, as `training_bytes`
            estimates, are not trained.

    Raises:
        ValueError: If the space, the objective, a setting or a hyperparameter is
            unknown, or the dataset has no split "validation".

    Example:

    ```python
    class Search(tuning.Repairs, keras_tuner.RandomSearch):
        pass

    networks = tuning.NetworkSearch("koo2019", dataset, seeds=1)
    tuner = Search(networks, networks.objective, max_trials=20, directory="koo")
    tuner.search()
    ```
    """

    def __init__(
        self,
        space: str | Space,
        dataset: Dataset,
        *,
        objective: str | None = None,
        seeds: int | None = None,
        settings: Mapping[str, Any] | None = None,
        choices: Mapping[str, Any] | None = None,
        max_parameters: int | None = None,
        max_memory: int | None = None,
    ):
        space = find_space(space) if isinstance(space, str) else space
        # Settings come first, for values of theirs that are varied begin from them.
        space = replace(space, settings=_change(space.settings, settings or {}))
        super().__init__(name=space.name)
        self.space = space.change(choices or {})
        self.dataset = dataset
        self.objective = _objective(objective or space.objective)
        self.seeds = space.seeds if seeds is None else seeds
        if self.seeds < 1:
            raise ValueError(f"`seeds` must be at least 1. Received: {self.seeds}")
        if not dataset.split_sizes().get("validation"):
            raise ValueError(
                "a search compares networks on the split 'validation', and the dataset "
                f"has none (--split validation=0.1). It has {dataset.split_sizes()}"
            )
        self.settings = replace(
            space.settings,
            monitor=(settings or {}).get("monitor") or self.objective.name,
            length=_length(space, dataset),
        )
        self.max_parameters = max_parameters
        self.max_memory = max_memory

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        """Declares all hyperparameters; keras-tuner calls it."""
        self.space.declare(hp)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """A compiled model, of seed 0; keras-tuner calls it."""
        values = self.space.declare(hp)
        use_all_devices()
        try:
            return self._compile(self.plan(values), 0)[1]
        except PrunedError:
            nothing = keras.Input((1,))
            return keras.Model(nothing, nothing)

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        epochs: int | None = None,
        initial_epoch: int = 0,
        verbose: int = 0,
    ) -> list[dict[str, float]]:
        """Trains with each seed, and returns the best epochs; keras-tuner calls it."""
        plan = self.plan(self.space.declare(hp))
        if epochs is not None:
            few = replace(plan.settings, epochs=epochs - initial_epoch)
            plan = replace(plan, settings=few)
        with tempfile.TemporaryDirectory() as folder:
            scores = [
                self._train(
                    plan,
                    seed,
                    Path(folder, str(seed)),
                    None if seed else model,
                    callbacks,
                )[0]
                for seed in range(self.seeds)
            ]
        return [dict(score.metrics) for score in scores]

    def plan(self, values: Mapping[str, Any]) -> Plan:
        """What values stand for, found before anything is built.

        Args:
            values: A value for each hyperparameter that matters.

        Raises:
            PrunedError: If they stand for no network.
        """
        length = self.settings.length or self.dataset.length
        try:
            network, arguments = self.space.network(
                values, length, len(self.dataset.targets)
            )
        except ValueError as error:
            raise PrunedError(str(error)) from None
        own = {name: values[name] for name in TUNABLE if name in values}
        reads = arguments.get("sequence_length", length)
        cut = None if reads == self.dataset.length else reads
        settings = replace(self.settings, **own, length=cut)
        return Plan(network, arguments, reads, settle(settings, describe(network)))

    def train(self, plan: Plan, folder: Path, epochs: int | None = None) -> list[Score]:
        """Train with each seed, from the beginning or from where it was stopped.

        Args:
            plan: What to train.
            folder: Folder of the trial. In the end `seed-N/network.keras` is the
                network of the best epoch with seed N, not compiled.
            epochs: Most epochs; `None` for those of the settings.

        Returns:
            A `Score` for each seed.

        Raises:
            PrunedError: If the network cannot be built or exceeds a cap.
            ValueError: If an epoch of a seed had no finite numbers.
        """
        if epochs is not None:
            plan = replace(plan, settings=replace(plan.settings, epochs=epochs))
        scores = []
        for seed in range(self.seeds):
            with free_memory():
                scores.append(self._train_and_save(plan, seed, folder / f"seed-{seed}"))
        return scores

    def _train_and_save(self, plan: Plan, seed: int, folder: Path) -> Score:
        score, network = self._train(plan, seed, folder)
        measured: dict[str, float] = {}
        for measure in self.space.measures:
            measured |= measure(network, self.dataset, folder)
        score = replace(score, measured=measured)
        write_whole(folder / SCORE, json.dumps(asdict(score), indent=2) + "\n")
        network.save(folder / NETWORK)
        notes = Notes(self.dataset.targets, plan.settings.n_value)
        write_notes(folder / NETWORK, notes)
        return score

    def _compile(self, plan: Plan, seed: int) -> tuple[keras.Model, keras.Model]:
        """The network, and the model of the same layers that is trained."""
        keras.utils.set_random_seed(seed)
        given = {"targets": len(self.dataset.targets), "sequence_length": plan.length}
        try:
            network = build(plan.network, **given | dict(plan.arguments))
            network = conjoin_if(plan.settings, network)
        except ValueError as error:
            raise PrunedError(str(error)) from None
        self._check_caps(network, plan.settings)
        return network, compile_learner(network, self.dataset, plan.settings)

    def _check_caps(self, network: keras.Model, settings: TrainingSettings) -> None:
        parameters = count_trainable(network)
        if self.max_parameters is not None and parameters > self.max_parameters:
            raise PrunedError(
                f"{parameters:,} trainable parameters are more than "
                f"{self.max_parameters:,}"
            )
        if self.max_memory is None:
            return
        passes = 2 if settings.strands == "both" else 1
        passes *= 2 if settings.consistency else 1
        needed = training_bytes(network, passes * settings.batch_size)
        if needed > self.max_memory:
            raise PrunedError(
                f"training takes some {needed / 1e6:,.0f} MB, more than "
                f"{self.max_memory / 1e6:,.0f} MB"
            )

    def _train(
        self,
        plan: Plan,
        seed: int,
        folder: Path,
        learner: keras.Model | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> tuple[Score, keras.Model]:
        """Train with one seed; the network gets the weights of the best epoch."""
        devices = use_all_devices()
        settings = replace(plan.settings, seed=seed)
        dataset, settings = divide_evenly(self.dataset, settings, devices)
        if learner is None:
            network, learner = self._compile(plan, seed)
        else:
            network = learner
        streams = make_streams(dataset, settings)
        settings = resolve_monitor(settings, learner, held_out=True)
        open_run(folder, _identity(plan, settings), overwrite=True)
        found = fit(learner, streams, settings, folder, False, callbacks)
        if found.best is None:
            raise ValueError(f"no epoch had finite numbers with seed {seed}")
        network.set_weights(found.best_weights())
        metrics = found.history[found.best]
        score = Score(
            metrics[self.objective.name],
            len(found.history),
            found.best + 1,
            metrics,
            count_trainable(network),
        )
        return score, network


def _objective(name: str) -> keras_tuner.Objective:
    if name not in OBJECTIVES:
        raise ValueError(
            f"`objective` (--objective) must be one of {', '.join(OBJECTIVES)}. "
            f"Received: {name!r}"
        )
    return keras_tuner.Objective(name, OBJECTIVES[name])


def _length(space: Space, dataset: Dataset) -> int | None:
    """Bases to train on, `None` for all: as a user asks, or the paper has it."""
    length = space.settings.length or min(dataset.length, space.length or math.inf)
    if length > dataset.length:
        raise ValueError(
            f"`length` must be at most {dataset.length}, that of the sequences. "
            f"Received: {length}"
        )
    return None if length == dataset.length else length


def _identity(plan: Plan, settings: TrainingSettings) -> dict[str, Any]:
    """What must be the same for a training to go on, as JSON gives it back."""
    facts = asdict(replace(plan, settings=settings))
    del facts["settings"]["epochs"]  # Hyperband goes on with more of them
    return json.loads(json.dumps(facts))


def _change(settings: TrainingSettings, changes: Mapping[str, Any]) -> TrainingSettings:
    """Settings of training with those that a user gives."""
    unknown = [name for name in changes if name not in SETTINGS]
    if unknown:
        raise ValueError(
            f"`settings` must be among {', '.join(SETTINGS)}. Received: "
            f"{', '.join(map(repr, unknown))}"
        )
    return replace(settings, **changes)


def copy_state(source: Path, target: Path, seeds: int) -> None:
    """Let a trial go on where another one, of the same network, has ended.

    Args:
        source: Folder of that trial. What is no longer there is trained anew.
        target: Folder of the trial.
        seeds: Number of seeds.
    """
    for seed in range(seeds):
        old, new = source / f"seed-{seed}", target / f"seed-{seed}"
        if new.exists() or not (old / "state.npz").exists():
            continue
        part = target / f"seed-{seed}.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(old, part)
        part.rename(new)
