"""Small genomes and files of peaks with known answers, for the tests."""

import itertools
from collections import Counter

import numpy as np

COMPLEMENT = dict(zip("ACGTN", "TGCAN", strict=True))
SIZES = {"chr1": 3000, "chr2": 2000, "chr17": 1500, "chrX": 900}


def make_genome(path, sizes=SIZES, seed=0, n_every=0):
    """Writes random chromosomes; returns their letters by name."""
    chance = np.random.default_rng(seed)
    chromosomes = {}
    for name, size in sizes.items():
        letters = chance.choice(list("ACGTacgt"), size)
        if n_every:
            letters[::n_every] = "N"
        chromosomes[name] = "".join(letters)
    lines = [
        f">{name}\n"
        + "\n".join(letters[i : i + 60] for i in range(0, len(letters), 60))
        for name, letters in chromosomes.items()
    ]
    path.write_text("\n".join(lines) + "\n")
    return chromosomes


def dinucleotides(letters):
    """How often each letter follows each other one."""
    return Counter(itertools.pairwise(letters))


def window(chromosomes, chrom, start, end, strand="."):
    """The letters of a window, upper case, from its own strand."""
    letters = chromosomes[chrom][start:end].upper()
    if strand == "-":
        letters = "".join(COMPLEMENT[letter] for letter in reversed(letters))
    return letters


def write_peaks(path, rows):
    """Writes narrowPeak rows: chromosome, start, end, summit (distance), signal...

    Args:
        path: File to write.
        rows: Tuples `(chrom, start, end, summit, signal, strand)`; the last three may
            be left out: the middle, the row's number, `"."`.
    """
    lines = []
    for number, (chrom, start, end, *rest) in enumerate(rows):
        given = [*rest, *[None] * (3 - len(rest))]
        summit = (end - start) // 2 if given[0] is None else given[0]
        signal = number if given[1] is None else given[1]
        strand = given[2] or "."
        lines.append(
            f"{chrom}\t{start}\t{end}\tp{number}\t0\t{strand}\t{signal}\t-1\t-1\t{summit}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path
