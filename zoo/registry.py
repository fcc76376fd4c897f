"""The cards of the named networks, read from `zoo/presets`.

A card is data: what a network is, where it comes from, which weights exist for it and
under which licence, what was published of it, and test vectors to check it with. All
lists and look-ups derive from the cards.
"""

import copy
import itertools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from zoo.messages import did_you_mean

ALPHABETS = ("ACGT", "AGCT")


@dataclass(frozen=True)
class Training:
    """How weights came about that the package carries, and what was measured of them.

    Attributes:
        recipe: Experiment of `zoo.recipes`: `rckeras reproduce` runs it again.
        row: The network's name in the experiment.
        data: Data that it was trained on.
        seed: Its seed, the best one.
        seeds: Seeds among which it is the best.
        chosen_by: Metric of the validation split by which it is the best.
        epochs: Epochs after which the weights were kept.
        backend: Backend of Keras.
        protocol: Digest of network, settings and data, as in `results.csv`.
        measured_on: Split of the data that the metrics are of.
        metrics: What was measured, by name.
    """

    recipe: str
    row: str
    data: str
    seed: int
    seeds: int
    chosen_by: str
    epochs: int
    backend: str
    protocol: str
    measured_on: str
    metrics: dict[str, float]

    def __str__(self) -> str:
        best = f"that of {self.seeds} with the {self.chosen_by}"
        return (
            f"{self.row!r} of `rckeras reproduce {self.recipe}`, seed {self.seed} "
            f"({best if self.seeds > 1 else 'the only one'}), {self.epochs} epochs on "
            f"{self.backend}; "
            f"{self.data}; {self.measured_on}: {_figures(self.metrics)}"
        )


@dataclass(frozen=True)
class Weights:
    """One published or shipped set of weights of a network.

    Attributes:
        name: Name for `zoo.load(..., weights=name)`.
        format: A format of `zoo.porting`.
        file: File name, in the package or in the cache.
        licence: Licence of the weights, as their authors state it.
        sources: Addresses, tried in this order; empty for weights that the package
            carries.
        size: Bytes, where published.
        sha256: Digest, where known.
        md5: Digest, where published.
        note: What a user should know.
        training: How they came about, for weights that the package carries.
    """

    name: str
    format: str
    file: str
    licence: str
    sources: tuple[str, ...] = ()
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    note: str = ""
    training: Training | None = None

    @property
    def shipped(self) -> bool:
        """Whether the package carries them."""
        return not self.sources

    @property
    def porter(self) -> str:
        """Module that reads the format."""
        from zoo.porting import PORTERS

        return PORTERS[self.format]


@dataclass(frozen=True)
class TestVector:
    """An input and the output that a network must give for it.

    Attributes:
        weights: Name of a set of weights, or `"drawn"` for weights drawn from
            `numpy.random.RandomState(0)`.
        sequence: Letters of the input.
        expected: Leading outputs, dropout off.
        tolerance: Largest absolute difference allowed.
    """

    __test__ = False

    weights: str
    sequence: str
    expected: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class Card:
    """What is known of a named network; prints as a page.

    Attributes:
        name: Name of the network.
        family: Key of its paper, such as `"brown2018"`.
        description: What it is, in a sentence or two.
        citation: Authors, title, journal and year.
        doi: Digital object identifier of the paper.
        builder: `"module:function"` in `zoo.architectures`.
        arguments: Arguments of the builder.
        trained_on: Data that the published network was trained on.
        sequence_length: Length of the input in bases.
        channel_order: Order of the letters in the published training data. Networks
            of the zoo take A, C, G, T, whatever this is.
        n_value: Value of the four channels for N in the published training data.
        strand_symmetry: `"invariant"` if both strands get the same answer by
            construction, otherwise `"none"`.
        targets: Unique ids of the outputs, in order.
        parameter_count: Trainable parameters.
        learning_rate: Step size of Adam that suits it, from a random start.
        fine_tuning_rate: Step size of Adam that suits it, from trained weights.
        published: Published figures by name.
        misprints: What else is printed for a published figure, and why it is not
            followed, by the name of the figure.
        weights: Sets of weights; the first is the default.
        test_vectors: Inputs with expected outputs.
    """

    name: str
    family: str
    description: str
    citation: str
    doi: str
    builder: str
    arguments: dict[str, Any]
    trained_on: str
    sequence_length: int
    channel_order: str
    n_value: float
    strand_symmetry: str
    targets: tuple[str, ...]
    parameter_count: int
    learning_rate: float
    fine_tuning_rate: float
    published: dict[str, float] = field(default_factory=dict)
    misprints: dict[str, str] = field(default_factory=dict)
    weights: tuple[Weights, ...] = ()
    test_vectors: tuple[TestVector, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(self.targets[:6])
        if len(self.targets) > 6:
            names += ", ..."
        rows = [
            ("citation", f"{self.citation} doi:{self.doi}"),
            ("input", f"{self.sequence_length} bases, one-hot A,C,G,T"),
            ("trained as", f"{self.channel_order}, N as {self.n_value:g}"),
            ("trained on", self.trained_on),
            ("targets", f"{len(self.targets)}: {names}"),
            ("parameters", f"{self.parameter_count:,}"),
            ("strand symmetry", self.strand_symmetry),
            (
                "learning rate",
                f"{self.learning_rate:g}, fine-tuning {self.fine_tuning_rate:g}",
            ),
            ("published", _figures(self.published)),
            *(("misprint", f"{of}: {text}") for of, text in self.misprints.items()),
            ("weights", "; ".join(map(_describe_weights, self.weights)) or "none yet"),
            *(
                ("training", f"{weights.name}: {weights.training}")
                for weights in self.weights
                if weights.training is not None
            ),
        ]
        width = max(len(label) for label, _ in rows)
        lines = [f"{self.name}: {self.description}"]
        lines += [f"  {label.ljust(width)}  {text}" for label, text in rows if text]
        return "\n".join(lines)


def list_models(pattern: str = "*") -> list[str]:
    """Names of the networks, in natural order.

    Args:
        pattern: Shell-style pattern, such as `"koo-*"`.

    Returns:
        The names that match.

    Example:

    >>> list_models("crnn-320*")
    ['crnn-320', 'crnn-320-projection']
    """
    names = [name for name in _cards() if fnmatchcase(name, pattern)]
    return sorted(names, key=_natural)


def describe(name: str) -> Card:
    """The card of a network.

    Args:
        name: Name of a network, see `list_models`.

    Returns:
        A `Card`, to be printed or read.

    Raises:
        ValueError: If there is no such network; the message names those with names
            like it, or all.

    Example:

    >>> describe("prdm9").targets
    ('coldspot', 'hotspot')
    """
    if name not in _cards():
        if str(name).endswith(".keras"):
            raise ValueError(
                f"{name} is a file, which `keras.saving.load_model` reads after "
                "`import rckeras`. Here the name of a network is wanted, with which a "
                "file may go as `weights`"
            )
        hint = did_you_mean(name, _cards(), cutoff=0.5).rstrip()
        hint = hint or f"All names: {', '.join(list_models())}"
        raise ValueError(f"No network is called {name!r}. {hint}")
    # A copy: what a caller does to it must not reach others.
    return copy.deepcopy(_cards()[name])


def _describe_weights(weights: Weights) -> str:
    place = "in this package" if weights.shipped else "downloaded on first use"
    note = f" {weights.note}" if weights.note else ""
    about = f"{place}; read by {weights.porter}; licence: {weights.licence}"
    return f"{weights.name} ({about}).{note}"


def _figures(figures: dict[str, float]) -> str:
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:g}"
        for name, value in figures.items()
    )


def _natural(name: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


@cache
def _cards() -> dict[str, Card]:
    folder = files("zoo") / "presets"
    papers = tomllib.loads((folder / "papers.toml").read_text("utf-8"))
    cards = {}
    for file in folder.iterdir():
        if file.name.endswith(".toml") and file.name != "papers.toml":
            card = _parse(tomllib.loads(file.read_text("utf-8")), papers)
            cards[card.name] = card
    return cards


def _parse(data: dict[str, Any], papers: dict[str, dict]) -> Card:
    data = {**papers[data["family"]], "arguments": {}, **data}
    data["targets"] = _target_ids(data["targets"])
    data["weights"] = tuple(map(_parse_weights, data.get("weights", ())))
    data["test_vectors"] = tuple(
        TestVector(**{**entry, "expected": tuple(entry["expected"])})
        for entry in data.get("test_vectors", ())
    )
    return Card(**data)


def _parse_weights(data: dict[str, Any]) -> Weights:
    data = {**data, "sources": tuple(data.get("sources", ()))}
    if "training" in data:
        data["training"] = Training(**data["training"])
    return Weights(**data)


def _target_ids(targets: list[str] | str) -> tuple[str, ...]:
    """Ids listed in a card, or in a file that several cards share."""
    if isinstance(targets, str):
        text = (files("zoo") / "presets" / "targets" / targets).read_text("utf-8")
        targets = text.splitlines()
    return tuple(unique_ids(targets))


def unique_ids(names: Iterable[str]) -> list[str]:
    """Tell repeated names apart by a number: `a, b, a` becomes `a, b, a.2`."""
    ids: dict[str, None] = {}
    for name in names:
        numbered = (f"{name}.{number}" for number in itertools.count(2))
        ids[next(i for i in itertools.chain([name], numbered) if i not in ids)] = None
    return list(ids)
