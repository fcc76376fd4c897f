"""Files of sequences and of places in a genome."""

from rckeras.io.fasta import FastaRecord, read_fasta
from rckeras.io.genome import Genome
from rckeras.io.intervals import Interval, read_bed
from rckeras.io.text import open_text

__all__ = [
    "FastaRecord",
    "Genome",
    "Interval",
    "open_text",
    "read_bed",
    "read_fasta",
]
