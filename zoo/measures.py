"""What is measured of a trained network: functions that recipes list.

Each takes the network, its dataset and the folder of the run, and returns numbers by
name.
"""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

    from rckeras.datasets import Dataset


def ranking(
    network: "keras.Model", dataset: "Dataset", folder: Path
) -> dict[str, float]:
    """Loss, mean AUROC and mean AUPRC of the stored strand, on validation and test."""
    from rckeras.evaluation import evaluate

    numbers = {}
    for split in ("validation", "test"):
        found = evaluate(network, dataset, split, average_strands=False)
        numbers[f"{split}_loss"] = found.loss
        numbers[f"{split}_auroc"] = found.metrics.mean_auroc
        numbers[f"{split}_auprc"] = found.metrics.mean_auprc
    return numbers


def ranking_of_both_strands(
    network: "keras.Model", dataset: "Dataset", folder: Path
) -> dict[str, float]:
    """As `ranking`, but predictions for both strands are averaged, on the test split.

    Hawkins-Hooker, Kenlay and Reid 2018: the loss is that of each strand on its own.
    """
    from rckeras.evaluation import evaluate

    found = evaluate(network, dataset, "test")
    return {
        "test_loss": found.loss,
        "test_auroc": found.metrics.mean_auroc,
        "test_auprc": found.metrics.mean_auprc,
    }


def class_accuracy(
    network: "keras.Model", dataset: "Dataset", folder: Path, samples: int = 100
) -> dict[str, float]:
    """Accuracy and AUROC of the likelier of two classes, on validation and test.

    A Bayesian network's predictions are means over sampled networks.

    Reference: Brown and Lunter 2018, section 2.7.
    """
    from rckeras.metrics import binary_metrics

    numbers = {}
    for split in ("validation", "test"):
        y, predicted = _predict_means(network, dataset, split, samples)
        agree = predicted.argmax(axis=1) == y.argmax(axis=1)
        numbers[f"{split}_accuracy"] = float(agree.mean())
        found = binary_metrics(y[:, 1:], predicted[:, 1:])
        numbers[f"{split}_auroc"] = found.mean_auroc
    return numbers


def sampled_ranking(
    network: "keras.Model", dataset: "Dataset", folder: Path, samples: int = 50
) -> dict[str, float]:
    """Accuracy, mean AUROC and mean AUPRC of yes or no, on validation and test.

    A Bayesian network's predictions are means over sampled networks.

    Reference: Brown and Lunter 2018, section 2.7.
    """
    from rckeras.metrics import binary_metrics

    numbers = {}
    for split in ("validation", "test"):
        y, predicted = _predict_means(network, dataset, split, samples)
        found = binary_metrics(y, predicted)
        numbers[f"{split}_accuracy"] = float(((predicted > 0.5) == (y > 0.5)).mean())
        numbers[f"{split}_auroc"] = found.mean_auroc
        numbers[f"{split}_auprc"] = found.mean_auprc
    return numbers


def _predict_means(
    network: "keras.Model", dataset: "Dataset", split: str, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of a split, and predictions, of Bayesian networks means over samples."""
    from rckeras.interpret import predict_mc
    from rckeras.interpret.monte_carlo import has_monte_carlo_dropout

    x, y = dataset.arrays(split, length=network.input_shape[1])
    if has_monte_carlo_dropout(network):
        return y, predict_mc(network, x, samples=samples, batch_size=512)[0]
    return y, network.predict(x, batch_size=512, verbose=0)


def both_strategies(
    network: "keras.Model", dataset: "Dataset", folder: Path
) -> dict[str, float]:
    """The test split as stored, and with the network conjoined after its training.

    With the agreement of the strands as stored, and what a prediction takes: the least
    of three times, in microseconds a sequence.
    """
    import time

    from rckeras import conjoin
    from rckeras.evaluation import evaluate

    found = evaluate(network, dataset)
    alone = evaluate(network, dataset, average_strands=False)
    merged = evaluate(conjoin(network), dataset, average_strands=False)
    x, _ = dataset.take(dataset.rows("test")[:500]).arrays(
        length=network.input_shape[1]
    )
    seconds = []
    for _ in range(4):  # of which the first one compiles
        started = time.perf_counter()
        network.predict(x, batch_size=500, verbose=0)
        seconds.append(time.perf_counter() - started)
    return {
        "test_auroc": alone.metrics.mean_auroc,
        "test_auprc": alone.metrics.mean_auprc,
        "conjoined_auroc": merged.metrics.mean_auroc,
        "conjoined_auprc": merged.metrics.mean_auprc,
        "flipped": found.strands.flipped,
        "strand_correlation": found.strands.correlation,
        "largest_strand_difference": found.strands.largest_difference,
        "microseconds": 1e6 * min(seconds) / len(x),
    }


def strand_agreement(
    network: "keras.Model", dataset: "Dataset", folder: Path
) -> dict[str, float]:
    """How far predictions for the two strands of the test sequences agree.

    Writes `strands.csv` with both predictions of each sequence for the first target.
    """
    from rckeras import metrics, reverse_complement
    from rckeras.io.whole import write_whole

    x, _ = dataset.arrays("test", length=network.input_shape[1])
    forward = network.predict(x, batch_size=512, verbose=0)
    other = network.predict(reverse_complement(x), batch_size=512, verbose=0)
    lines = [
        f"{a:.6f},{b:.6f}\n" for a, b in zip(forward[:, 0], other[:, 0], strict=True)
    ]
    write_whole(folder / "strands.csv", "forward,reverse_complement\n" + "".join(lines))
    found = metrics.strand_agreement(forward, other)
    return {
        "strand_correlation": found.correlation,
        "strand_difference": float(np.abs(forward - other).mean()),
        "largest_strand_difference": found.largest_difference,
        "flipped": found.flipped,
    }


def motif_matches(
    network: "keras.Model",
    dataset: "Dataset",
    folder: Path,
    relevant: Collection[str] = (),
    layer: str = "conv1",
    method: str = "koo2019_code",
    evalue: float = 0.1,
    split: str = "test",
) -> dict[str, float]:
    """Share of a layer's filters that look like a motif of JASPAR 2016's vertebrates.

    Writes the filters' motifs as `filters.meme`.

    Args:
        network: The network.
        dataset: Dataset whose sequences are searched for what drives the filters.
        folder: Folder of the run.
        relevant: Identifiers of motifs that are counted on their own.
        layer: Name of the convolution.
        method: How filters become motifs, see `rckeras.motifs.filters`; the default is
            how the paper's table was made.
        evalue: Largest E-value of a match.
        split: Which of its sequences are.

    Reference: Koo and Eddy 2019, "Visualizing first layer filters" and Table 1.
    """
    from rckeras.motifs import (
        fetch_jaspar_collection,
        filters_to_motifs,
        match_motifs,
        write_meme,
    )

    sequences = dataset.sequences[dataset.rows(split)]
    motifs = filters_to_motifs(network, sequences, layer, method)
    if not any(motifs):
        return {"matched": 0.0, "matched_relevant": 0.0}
    write_meme(folder / "filters.meme", motifs)
    known = fetch_jaspar_collection("JASPAR2016")
    trimmed = [None if motif is None else motif.trim() for motif in motifs]
    matches = match_motifs(trimmed, known)
    among = {motif.matrix_id for motif in known}.intersection(relevant)
    return {
        "matched": matches.fraction_matched(evalue),
        "matched_relevant": matches.fraction_matched(evalue, among=among),
    }
