"""Files of sequences and of places in a genome."""

from rckeras.io.bedgraph import Signal, read_bedgraph, write_bedgraph
from rckeras.io.chromosomes import plain_chrom, plain_chroms
from rckeras.io.fasta import FastaRecord, read_fasta
from rckeras.io.genome import Genome
from rckeras.io.intervals import Interval, read_bed
from rckeras.io.matlab import MatlabArray, open_matlab
from rckeras.io.overlaps import overlaps
from rckeras.io.peaks import Peak, read_narrowpeak
from rckeras.io.rate_map import RateMap, read_rate_map
from rckeras.io.text import open_text
from rckeras.io.vcf import Variant, read_vcf, read_vcf_lines
from rckeras.io.windows import Window, read_windows

__all__ = [
    "FastaRecord",
    "Genome",
    "Interval",
    "MatlabArray",
    "Peak",
    "RateMap",
    "Signal",
    "Variant",
    "Window",
    "open_matlab",
    "open_text",
    "overlaps",
    "plain_chrom",
    "plain_chroms",
    "read_bed",
    "read_bedgraph",
    "read_fasta",
    "read_narrowpeak",
    "read_rate_map",
    "read_vcf",
    "read_vcf_lines",
    "read_windows",
    "write_bedgraph",
]
