"""What an experiment of a paper is: data, networks, how they are trained and measured.

A recipe is data. `zoo.experiment` runs it, `zoo.experiment_report` sets its results
beside those of the paper.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.learning import TrainingSettings

if TYPE_CHECKING:
    import keras

    from rckeras.datasets import Dataset
    from zoo.records import Records

    Datasets = Mapping[str, Callable[[], Dataset]]
    Remarks = Callable[["Recipe", Records], list[str]]
    Measure = Callable[[keras.Model, Dataset, Path], Mapping[str, float]]


@dataclass(frozen=True)
class Row:
    """One network of an experiment, a row of the paper's table.

    Args:
        name: What the paper calls it.
        network: Name of the network in the zoo.
        arguments: Arguments of its builder, beside those of its card.
        settings: Training settings that differ from the recipe's.
        start: Function of the network and the seed that changes the weights which it
            starts from; `None` to leave them.
        train_share: Share of the training sequences that it is trained on, above 0 and
            at most 1; the same ones for all rows and seeds.
        published: What the paper prints for it, by metric: a mean and, if printed,
            its spread.
        preset: Name in the zoo under which its best weights ship; `None` if they do
            not.
    """

    name: str
    network: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    start: "Callable[[keras.Model, int], None] | None" = None
    train_share: float = 1.0
    published: Mapping[str, Sequence[float]] = field(default_factory=dict)
    preset: str | None = None


@dataclass(frozen=True)
class Recipe:
    """An experiment of a paper.

    Args:
        name: Name for `rckeras reproduce`: the paper's key, and what is shown.
        title: What it shows, in a line.
        reference: Paper and figure or table.
        data: Function of a path, `None` if the user gave none, that returns the
            datasets by name, each as a function that makes it.
        settings: How networks are trained. The seed is that of the run.
        rows: The networks.
        measures: Functions of trained network, dataset and folder of the run, that
            return metrics.
        metrics: Metrics of the table, with their headings.
        seeds: Number of seeds of the paper.
        published_errors: Whether the spreads that the paper prints are errors of its
            means, not standard deviations over its seeds.
        best: Metric that tells the best seed, with `"+"` before it if higher is
            better, and `"-"` if lower is; of the validation split, for the test is for
            what is chosen. Empty if no weights ship.
        figure: Function that draws the recipe's figure, see `zoo.figures`; `None` if
            it has none.
        remarks: Functions of recipe and results that return further paragraphs for
            the report, such as tests.
        differs: What is not as in the paper, and why.
        needs: What the path must be, for recipes on data of the user; empty if the
            recipe makes its data.
        extras: Extras of the package, as `pip install "rckeras[reports]"` has them,
            that data, measures, figure and remarks take.
    """

    name: str
    title: str
    reference: str
    data: "Callable[[Path | None], Datasets]"
    settings: TrainingSettings
    rows: tuple[Row, ...]
    measures: "tuple[Measure, ...]"
    metrics: Mapping[str, str]
    seeds: int
    published_errors: bool = False
    best: str = ""
    figure: "Callable[[Recipe, Records, Path], None] | None" = None
    remarks: "tuple[Remarks, ...]" = ()
    differs: tuple[str, ...] = ()
    needs: str = ""
    extras: tuple[str, ...] = ("reports",)

    def row(self, name: str) -> Row:
        """The row of a name.

        Raises:
            KeyError: If there is none.
        """
        return {row.name: row for row in self.rows}[name]
