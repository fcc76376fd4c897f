"""Datasets: from files or simulated, in memory or streamed from the disk."""

from rckeras.datasets.brown2018 import simulate_brown2018
from rckeras.datasets.chipseq import load_chipseq
from rckeras.datasets.dataset import SPLITS, Dataset, Truth
from rckeras.datasets.deepbind import load_deepbind
from rckeras.datasets.deepsea import convert_deepsea
from rckeras.datasets.fasta import load_fasta_pair
from rckeras.datasets.file import load_dataset, save_dataset
from rckeras.datasets.hawkinshooker2018 import simulate_hawkinshooker2018
from rckeras.datasets.hotspots import load_hotspots
from rckeras.datasets.koo2019 import simulate_koo2019
from rckeras.datasets.peaks import load_peaks
from rckeras.datasets.shrikumar2017 import simulate_shrikumar2017
from rckeras.datasets.splits import split_at_random, split_by_chromosome
from rckeras.datasets.stream import FollowEpoch, SequenceStream

__all__ = [
    "SPLITS",
    "Dataset",
    "FollowEpoch",
    "SequenceStream",
    "Truth",
    "convert_deepsea",
    "load_chipseq",
    "load_dataset",
    "load_deepbind",
    "load_fasta_pair",
    "load_hotspots",
    "load_peaks",
    "save_dataset",
    "simulate_brown2018",
    "simulate_hawkinshooker2018",
    "simulate_koo2019",
    "simulate_shrikumar2017",
    "split_at_random",
    "split_by_chromosome",
]
