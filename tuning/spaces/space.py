"""A search space as data: hyperparameters, and the network that values stand for."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from zoo.architectures.shapes import Windows, check_length, receptive_field
from zoo.learning import TrainingSettings

if TYPE_CHECKING:
    import keras_tuner

    from zoo.recipes.recipe import Measure

# By which trials are compared, and whether the best is the largest.
OBJECTIVES = {
    "val_auroc": "max",
    "val_auprc": "max",
    "val_accuracy": "max",
    "val_loss": "min",
}

# Settings of training that a search may vary besides, and what they usually are.
TUNABLE = {"batch_size": 128, "learning_rate": 1e-3}

Values = Mapping[str, Any]
# From values, length of the sequences and number of targets to the name of a network in
# the zoo and arguments of its builder.
NetworkOf = Callable[[Values, int, int], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Choice:
    """A hyperparameter.

    Args:
        name: Its name.
        values: Values to choose among, all numbers, all texts, or `False` and `True`.
        default: The value of the paper's own network; `None` for the first one.
        when: Name and values of another hyperparameter, above this one, for which this
            one matters; `None` if it always does.
        note: What it is, in a few words.
    """

    name: str
    values: tuple
    default: Any = None
    when: tuple[str, tuple] | None = None
    note: str = ""

    def __post_init__(self):
        kinds = {type(value) for value in self.values}
        if len(kinds) != 1 or not kinds <= {bool, int, float, str}:
            raise ValueError(
                f"values of {self.name!r} must be of one kind: numbers, texts, or True "
                f"and False. Received: {self.values!r}"
            )
        if len(set(self.values)) < len(self.values):
            raise ValueError(
                f"values of {self.name!r} must differ. Received: {self.values!r}"
            )
        if self.default not in self.values:
            object.__setattr__(self, "default", self.values[0])

    def matters(self, values: Values) -> bool:
        """Whether it matters beside the values of the hyperparameters above it."""
        return self.when is None or values.get(self.when[0]) in self.when[1]

    def declare(self, hp: "keras_tuner.HyperParameters") -> None:
        """Declare it to keras-tuner."""
        scope = nullcontext() if self.when is None else _scope(hp, *self.when)
        with scope:
            if len(self.values) == 1:
                hp.Fixed(self.name, self.values[0])
            elif isinstance(self.default, bool):
                hp.Boolean(self.name, default=self.default)
            else:
                hp.Choice(self.name, list(self.values), default=self.default)


@dataclass(frozen=True)
class Space:
    """The networks that a paper chose among, and how it trained them.

    Args:
        name: Name for `rckeras tune`: the paper's key, and what is searched.
        title: What it is, in a line.
        reference: Paper and section.
        choices: The hyperparameters; one that matters for some values of another comes
            below it.
        network: Function of values, length and number of targets, that returns the
            name of a network in the zoo and arguments of its builder. One of them may
            be `sequence_length`, up to the length given, for a network that reads less.
            Raises `ValueError` for values that stand for no network.
        networks: Names of the networks that it may return.
        settings: How the paper trained.
        objective: Number by which the paper compared epochs, one of `OBJECTIVES`.
        symmetry: Which of the networks give both strands the same answer.
        seeds: With how many seeds the paper trained each network.
        length: Most bases around the centre that the paper read; `None` for all.
        measures: What else is measured of each network that was trained: functions as
            those of `zoo.measures`, which leave the test split alone.
        metrics: Which of their numbers are shown, with their headings.
        extras: Extras of the package that the measures take.
    """

    name: str
    title: str
    reference: str
    choices: tuple[Choice, ...]
    network: NetworkOf
    networks: tuple[str, ...]
    settings: TrainingSettings
    objective: str
    symmetry: str
    seeds: int = 1
    length: int | None = None
    measures: "tuple[Measure, ...]" = ()
    metrics: Mapping[str, str] = field(default_factory=dict)
    extras: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = max(len(choice.name) for choice in self.choices)
        lines = [f"{self.name}: {self.title} ({self.reference})"]
        for choice in self.choices:
            texts = ", ".join(map(_show, choice.values))
            if choice.when is not None:
                parent, values = choice.when
                texts += f"  if {parent} is {' or '.join(map(_show, values))}"
            note = f"  ({choice.note})" if choice.note else ""
            lines.append(f"  {choice.name.ljust(width)}  {texts}{note}")
        lines.append(f"  {self.size:,} networks, of {', '.join(self.networks)}")
        if self.metrics:
            lines.append(f"  also measured: {', '.join(self.metrics.values())}")
        lines.append(f"  strands: {self.symmetry}")
        return "\n".join(lines)

    @property
    def size(self) -> int:
        """Number of choices of values, feasible or not."""
        parents = [c for c in self.choices if c.name in self._parents]
        return sum(
            math.prod(
                len(choice.values)
                for choice in self.choices
                if choice not in parents and choice.matters(values)
            )
            for values in _combinations(parents)
        )

    @property
    def defaults(self) -> dict[str, Any]:
        """The values of the paper's own network."""
        values: dict[str, Any] = {}
        for choice in self.choices:
            if choice.matters(values):
                values[choice.name] = choice.default
        return values

    @property
    def _parents(self) -> set[str]:
        return {choice.when[0] for choice in self.choices if choice.when is not None}

    def declare(self, hp: "keras_tuner.HyperParameters") -> dict[str, Any]:
        """Declare all hyperparameters to keras-tuner.

        Args:
            hp: What `build` of a `keras_tuner.HyperModel` is given.

        Returns:
            The values of those that matter, by name.
        """
        for choice in self.choices:
            choice.declare(hp)
        return {c.name: hp.values[c.name] for c in self.choices if c.name in hp.values}

    def infeasible(self, values: Values, length: int, targets: int = 1) -> str | None:
        """Why values stand for no network, found before one is built.

        Args:
            values: A value for each hyperparameter that matters.
            length: Length of the sequences in bases.
            targets: Number of targets.

        Returns:
            The reason; `None` if nothing stands against them.
        """
        try:
            self.network(values, length, targets)
        except ValueError as error:
            return str(error)
        return None

    def change(self, choices: Mapping[str, Any]) -> "Space":
        """The space with other values for some hyperparameters.

        Args:
            choices: By name a value, to fix it, or a list of values. Besides the
                hyperparameters, the settings of training in `TUNABLE` may be varied.

        Raises:
            ValueError: If there is no such hyperparameter, a value is of another kind,
                or it is not one that the hyperparameters below depend on.
        """
        names = [choice.name for choice in self.choices]
        unknown = [name for name in choices if name not in [*names, *TUNABLE]]
        if unknown:
            raise ValueError(
                f"{self.name} has the hyperparameters {', '.join(names)}, and "
                f"{' and '.join(TUNABLE)} of training may be varied besides. Received: "
                f"{', '.join(map(repr, unknown))}"
            )
        settings = [
            Choice(name, (getattr(self.settings, name) or usual,), note="of training")
            for name, usual in TUNABLE.items()
            if name in choices and name not in names
        ]
        changed = tuple(
            self._changed(choice, choices[choice.name])
            if choice.name in choices
            else choice
            for choice in (*self.choices, *settings)
        )
        return replace(self, choices=tuple(_reachable(changed)))

    def _changed(self, choice: Choice, given: Any) -> Choice:
        """A hyperparameter with the values that a user gives."""
        values = tuple(given) if isinstance(given, list | tuple) else (given,)
        if isinstance(choice.default, float):
            values = tuple(float(v) if type(v) is int else v for v in values)
        kind = type(choice.default)
        if not values or any(type(value) is not kind for value in values):
            raise ValueError(
                f"`choices` for {choice.name!r} must be of the kind of "
                f"{', '.join(map(repr, choice.values))}. Received: {given!r}"
            )
        if choice.name in self._parents and not set(values) <= set(choice.values):
            raise ValueError(
                f"`choices` for {choice.name!r}, on which others depend, must be among "
                f"{', '.join(map(repr, choice.values))}. Received: {given!r}"
            )
        return replace(choice, values=values)


def tiled_length(length: int, windows: Windows) -> int:
    """The most bases that a stack of windows reads to the last one.

    A strand-symmetric network needs this; Brown and Lunter cut 1000 bases to 997.

    Args:
        length: Bases that there are.
        windows: `(size, stride)` of each unpadded convolution or pool, in order.

    Raises:
        ValueError: If there are too few.

    Example:

    >>> tiled_length(1000, [(30, 1), (8, 8), (4, 1)])
    997
    """
    windows = tuple(windows)
    check_length(length, windows)
    width, stride = receptive_field(windows)
    return length - (length - width) % stride


def _scope(hp: "keras_tuner.HyperParameters", parent: str, values: tuple):
    return hp.conditional_scope(parent, list(values))


def _combinations(choices: list[Choice]) -> Iterator[dict[str, Any]]:
    for values in product(*(choice.values for choice in choices)):
        yield {c.name: value for c, value in zip(choices, values, strict=True)}


def _reachable(choices: tuple[Choice, ...]) -> Iterator[Choice]:
    """Without those that matter for no value that is left."""
    values = {choice.name: choice.values for choice in choices}
    for choice in choices:
        if choice.when is None or set(choice.when[1]) & set(values[choice.when[0]]):
            yield choice


def _show(value: Any) -> str:
    return {True: "on", False: "off"}[value] if type(value) is bool else f"{value}"
