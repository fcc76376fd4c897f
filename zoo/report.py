"""What a network has learnt, found on one dataset and shown on one page.

Measured on all sequences of the split: AUROC and AUPRC, how far the answers to both
strands agree, and how well probabilities are calibrated. Looked at on some of them,
spread evenly: the motifs of filters with the known ones that they resemble, and the
sequences that the network is surest of with the bases that its answers rest on; of
Bayesian networks also the calibration of their mean, and whether they err less where
they are surer.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.prediction import check_apart, check_numbers, has_room_for_bar, open_model
from zoo.tables import check_output, is_standard_output

if TYPE_CHECKING:
    import keras

    from rckeras.datasets import Dataset
    from rckeras.evaluation import Evaluation
    from rckeras.interpret import CalibrationCurve, RejectionCurve
    from rckeras.motifs import FilterMotif, Matches
    from rckeras.symmetry import StrandReport

_MOST_DRAWN = 6  # targets with a calibration curve of their own
_SHOWN = 60  # bases of an explained sequence
_CORE = 20  # bases among them, in the middle, with the strongest contributions


@dataclass(frozen=True, eq=False)
class Explained:
    """The bases that an answer rests on.

    Attributes:
        name: Name or place of the sequence.
        target: Name of the target, of which it is a positive.
        probability: What the network gives for it, mean of both strands.
        first: First base that is shown, counted from 0.
        contributions: What these bases add to the log odds, `(bases, 4)`.
    """

    name: str
    target: str
    probability: float
    first: int
    contributions: np.ndarray


@dataclass(frozen=True, eq=False)
class NetworkReport:
    """What `report_file` found; prints as one line.

    Attributes:
        title: Name of the network.
        about: What it is, as its card has it.
        facts: What was looked at, by name.
        evaluation: Metrics and predictions on all sequences.
        audit: Which layers respect the strands by construction.
        strands: Answers `(some sequences, strands, targets)` for both strands.
        parameters: Number of weights.
        layer: Name of the convolution whose filters are shown.
        motifs: Their motifs, ends trimmed; `None` for one that fires nowhere.
        matches: The known motifs that they resemble, `None` where there are none.
        without_motifs: Why there are no motifs.
        explained: Some sequences that the network is surest of.
        of_logits: Whether they are explained by the log odds, for the network ends in
            a sigmoid or softmax; else by the answer itself.
        calibration: Curves by target, or of all targets together.
        rejection: The same; empty unless the network is Bayesian.
    """

    title: str
    about: str
    facts: dict[str, str]
    evaluation: "Evaluation"
    audit: "StrandReport"
    strands: np.ndarray
    parameters: int
    layer: str | None = None
    motifs: "Sequence[FilterMotif | None]" = ()
    matches: "Matches | None" = None
    without_motifs: str = ""
    explained: Sequence[Explained] = ()
    of_logits: bool = True
    calibration: "dict[str, CalibrationCurve]" = field(default_factory=dict)
    rejection: "dict[str, RejectionCurve]" = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.evaluation)


def report_file(
    model: "keras.Model | str | os.PathLike",
    path: str | os.PathLike,
    output: str | os.PathLike,
    *,
    weights: str | os.PathLike | None = "default",
    split: str = "test",
    targets: Sequence[str] | None = None,
    layer: str | None = None,
    known: str | os.PathLike = "JASPAR2016",
    taxon: str | None = "vertebrates",
    explain: int = 4,
    mc_samples: int = 50,
    seed: int = 0,
    max_sequences: int = 2_000,
    n_value: float | None = None,
    batch_size: int = 128,
    progress: bool = True,
    overwrite: bool = False,
) -> NetworkReport:
    """Write a page of HTML about a network, which needs no other file and no network.

    Args:
        model: A network's name (see `zoo.list_models`), a `.keras` file, or a
            `keras.Model`.
        path: Dataset, as `rckeras.datasets.save_dataset` writes it.
        output: File to write.
        weights: Weights of a named network, as in `zoo.load`.
        split: `"train"`, `"validation"`, `"test"`, or `"all"`.
        targets: Names of the targets to measure; `None` for all.
        layer: Name of the convolution whose filters are shown; `None` for the first.
        known: Release of JASPAR, or a file of motifs in the MEME format.
        taxon: Taxonomic group of a release; `None` for all.
        explain: Number of sequences whose bases are explained, from 0.
        mc_samples: Number of networks sampled by Monte Carlo dropout, at least 2, where
            the network is Bayesian.
        seed: Integer that determines these samples.
        max_sequences: Sequences that are looked at beyond the metrics, spread evenly
            over the split.
        n_value: Value from 0 to 1 of the four channels for N; by default that of
            the network's training, 0 for a model without a card.
        batch_size: Sequences per step.
        progress: Whether to show bars on stderr, if that is a terminal.
        overwrite: Whether to replace `output` if it exists.

    Returns:
        A `NetworkReport`.

    Raises:
        ValueError: If an argument, the model or the dataset does not fit.
        FileExistsError: If `output` exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.
        ImportError: If Matplotlib, scikit-learn, logomaker or pyjaspar is missing.

    Example:

    ```python
    report_file("koo-cnn-25", "koo.h5", "koo-cnn-25.html")
    ```
    """
    from rckeras.datasets import load_dataset
    from rckeras.io.whole import write_whole
    from rckeras.metrics import import_sklearn
    from rckeras.motifs import match_motifs
    from rckeras.motifs.logos import import_logomaker
    from rckeras.motifs.receptive import view_filters
    from rckeras.symmetry.heads import find_heads
    from zoo.motifs import read_known
    from zoo.report_page import page

    _check(output, overwrite, explain, max_sequences, mc_samples)
    check_apart(output, path, weights, model)
    check_numbers(batch_size, n_value)
    import_sklearn()
    import_logomaker()
    known_motifs = read_known(known, taxon)
    match_motifs([None], known_motifs)  # refuses before anything is predicted
    dataset = load_dataset(path)
    named = model if isinstance(model, str) and not model.endswith(".keras") else None
    model, card_targets, card_n_value = open_model(model, weights)
    if layer is not None:
        view_filters(model, layer)
    look = _Look(
        model,
        dataset,
        None if split == "all" else split,
        targets,
        card_targets,
        card_n_value if n_value is None else n_value,
        batch_size,
        max_sequences,
    )
    found = look.evaluate(progress and has_room_for_bar(output))
    report = NetworkReport(
        title=named or model.name,
        about=_about(named),
        facts=look.facts(path, weights if named else None, split, known),
        evaluation=found,
        audit=look.audit(),
        strands=look.strands(),
        parameters=model.count_params(),
        **look.filters(layer, known_motifs),
        explained=look.explain(explain),
        of_logits=find_heads(look.model)[0] is not None,
        **look.uncertainty(found, mc_samples, seed),
    )
    write_whole(output, page(report))
    return report


def _check(
    output: str | os.PathLike,
    overwrite: bool,
    explain: int,
    max_sequences: int,
    mc_samples: int,
) -> None:
    if is_standard_output(output):
        raise ValueError("`output` (--output) must be a file. Received: '-'")
    check_output(output, "tsv", overwrite)
    if explain < 0:
        raise ValueError(f"`explain` must be at least 0. Received: {explain}")
    if max_sequences < 2:
        raise ValueError(
            f"`max_sequences` must be at least 2. Received: {max_sequences}"
        )
    if mc_samples < 2:
        raise ValueError(f"`mc_samples` must be at least 2. Received: {mc_samples}")


def _about(name: str | None) -> str:
    if name is None:
        return ""
    from zoo.registry import describe

    card = describe(name)
    return f"{card.description} {card.citation}"


class _Look:
    """A network and the sequences that it is looked at on."""

    def __init__(
        self,
        model: "keras.Model",
        dataset: "Dataset",
        split: str | None,
        targets: Sequence[str] | None,
        card_targets: Sequence[str] | None,
        n_value: float,
        batch_size: int,
        max_sequences: int,
    ):
        self.model, self.dataset, self.split = model, dataset, split
        self.n_value, self.batch_size = n_value, batch_size
        self.targets = tuple(targets or dataset.targets)
        self.columns = dataset.target_indices(targets or dataset.targets)
        named = set(self.targets) <= set(card_targets or ())
        self.outputs = card_targets if named else None
        rows = dataset.rows(split)
        count = min(len(rows), max_sequences)
        self.rows = rows[np.linspace(0, len(rows) - 1, count).astype(int)]
        self.labels = dataset.labels[self.rows][:, self.columns]

    def facts(
        self,
        path: str | os.PathLike,
        weights: str | os.PathLike | None,
        split: str,
        known: str | os.PathLike,
    ) -> dict[str, str]:
        import keras

        import rckeras

        data = self.dataset
        rows, targets = len(data.rows(self.split)), len(self.targets)
        return {
            "weights": "" if weights in (None, "default") else str(weights),
            "data": f"{Path(path).name}, digest {data.digest[:12]}",
            "sequences": f"{rows:,} ({split}) of {data.length} bases, {targets} "
            f"target{'s' * (targets != 1)}",
            "looked at": f"{len(self.rows):,} of them for strands, filters and bases",
            "known motifs": Path(known).name,
            "versions": f"rckeras {rckeras.__version__}, Keras {keras.__version__} on "
            f"{keras.backend.backend()}",
        }

    def evaluate(self, progress: bool) -> "Evaluation":
        from rckeras.evaluation import evaluate

        return evaluate(
            self.model,
            self.dataset,
            self.split,
            targets=self.targets,
            outputs=self.outputs,
            batch_size=self.batch_size,
            n_value=self.n_value,
            progress=progress,
        )

    def audit(self) -> "StrandReport":
        from rckeras import audit_strand_symmetry

        return audit_strand_symmetry(self.model, self._x(self.rows[:2]))

    def strands(self) -> np.ndarray:
        if not hasattr(self, "_strands"):
            from rckeras.interpret import without_dropout
            from rckeras.symmetry import pair_strands

            paired = pair_strands(without_dropout(self.model))
            parts = [
                np.asarray(paired.predict_on_batch(self._x(rows)), "float32")
                for rows in self._batches()
            ]
            self._strands = np.concatenate(parts)[..., self._places()]
        return self._strands

    def filters(self, layer: str | None, known: list) -> dict[str, Any]:
        from rckeras.motifs import filters_to_motifs, match_motifs

        try:
            motifs = filters_to_motifs(
                self.model, self._codes(self.rows), layer, batch_size=self.batch_size
            )
        except ValueError as error:
            if layer is not None:
                raise
            return {"without_motifs": str(error)}
        trimmed = [None if motif is None else motif.trim() for motif in motifs]
        if not any(motif is not None for motif in motifs):
            return {"without_motifs": "no filter fires in these sequences"}
        matches = match_motifs(trimmed, known, 0.1)
        return {"layer": layer, "motifs": trimmed, "matches": matches}

    def explain(self, count: int) -> list[Explained]:
        """The surest hits, of the targets in turn."""
        from rckeras.interpret import Attributor, strongest_window

        surest = self.strands().mean(axis=1)
        surest = np.where(self.labels == 1, surest, -1.0)
        order = np.argsort(-surest, axis=0, kind="stable")
        picks = [
            (int(row), place)
            for rank in order[:count]
            for place, row in enumerate(rank)
            if surest[row, place] >= 0
        ]
        found = []
        for row, place in picks[:count]:
            attributor = Attributor(
                self.model, self._places()[place], baseline=0.25, average_strands=True
            )
            (all_bases,) = attributor.contributions(self._x(self.rows[row : row + 1]))
            middle = strongest_window(all_bases, _CORE) + _CORE // 2
            last = max(0, len(all_bases) - _SHOWN)
            first = min(max(0, middle - _SHOWN // 2), last)
            found.append(
                Explained(
                    self._name(self.rows[row]),
                    self.targets[place],
                    float(surest[row, place]),
                    first,
                    all_bases[first : first + _SHOWN],
                )
            )
        return found

    def uncertainty(
        self, found: "Evaluation", samples: int, seed: int
    ) -> dict[str, Any]:
        from rckeras.interpret import (
            MonteCarloPredictor,
            calibration_curve,
            rejection_curve,
        )
        from rckeras.interpret.monte_carlo import has_monte_carlo_dropout

        if not has_monte_carlo_dropout(self.model):
            answers = found.labels, found.predictions
            return {"calibration": self._by_target(calibration_curve, *answers)}
        predictor = MonteCarloPredictor(self.model, samples, seed)
        parts = [predictor.predict(self._x(rows)) for rows in self._batches()]
        mean, std = (
            np.concatenate(part)[:, self._places()] for part in zip(*parts, strict=True)
        )
        return {
            "calibration": self._by_target(calibration_curve, self.labels, mean),
            "rejection": self._by_target(rejection_curve, self.labels, mean, std),
        }

    def _by_target(self, make: Any, *arrays: np.ndarray) -> dict[str, Any]:
        if len(self.targets) > _MOST_DRAWN:
            every = f"{len(self.targets)} targets"
            return {every: make(*arrays)}
        return {
            name: make(*(array[:, i] for array in arrays))
            for i, name in enumerate(self.targets)
        }

    def _places(self) -> list[int]:
        """Which outputs of the model are those of the targets."""
        from rckeras.evaluation import find_outputs

        return find_outputs(
            self.model, self.dataset.targets, list(self.targets), self.outputs
        )

    def _batches(self) -> list[np.ndarray]:
        size = self.batch_size
        return [self.rows[i : i + size] for i in range(0, len(self.rows), size)]

    def _codes(self, rows: np.ndarray) -> np.ndarray:
        from rckeras.datasets.dataset import centre

        middle = centre(self.dataset.length, self.model.input_shape[1])
        return np.asarray(self.dataset.sequences[rows])[:, middle]

    def _x(self, rows: np.ndarray) -> np.ndarray:
        from rckeras.sequence.codes import codes_to_one_hot

        return codes_to_one_hot(self._codes(rows), "float32", self.n_value)

    def _name(self, row: int) -> str:
        columns = self.dataset.columns
        if {"chrom", "start", "end"} <= set(columns):
            return "{}:{}-{}".format(
                *(columns[key][row] for key in ("chrom", "start", "end"))
            )
        return str(columns["name"][row]) if "name" in columns else f"sequence {row}"
