"""Three motifs of the ENCODE motif collection, in the file `data/encode_motifs.txt`.

The collection is that of P. Kheradpour and M. Kellis (2014), Systematic discovery and
characterization of regulatory motifs in ENCODE TF binding experiments, Nucleic Acids
Research 42:2976-2987; http://compbio.mit.edu/encode-motifs. Here are the motifs that
Shrikumar et al. 2017 plant in their simulated sequences.
"""

import importlib.resources
from collections.abc import Iterable, Iterator

import numpy as np

from rckeras.motifs.motif import Motif

SOURCE = "ENCODE motifs (Kheradpour and Kellis 2014)"


def load_encode_motifs(names: Iterable[str] | None = None) -> list[Motif]:
    """Loads motifs of the ENCODE collection that come with this package.

    The file has six decimals, so its rows are divided by their sums.

    Args:
        names: Names of motifs; `None` for all.

    Returns:
        The motifs in the order of `names`, or of the file.

    Raises:
        TypeError: If `names` is a single name.
        ValueError: If there is no motif of a name.

    Example:

    >>> [motif.name for motif in load_encode_motifs()]
    ['GATA_known6', 'ELF1_known2', 'RXRA_known1']
    >>> load_encode_motifs(["ELF1_known2"])[0].consensus
    'AACCCGGAAGTG'
    """
    if isinstance(names, str):
        raise TypeError(f"`names` must be a list of names. Received: {names!r}")
    file = importlib.resources.files(__package__) / "data" / "encode_motifs.txt"
    known = {motif.name: motif for motif in _parse(file.read_text("utf-8"))}
    chosen = list(known if names is None else names)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(
            f"`names` must be among {list(known)}. Received: {unknown[0]!r}"
        )
    return [known[name] for name in chosen]


def _parse(text: str) -> Iterator[Motif]:
    """Blocks of a line `>NAME ...` and a line a position: a letter, four numbers."""
    for block in text.split(">")[1:]:
        header, *lines = block.splitlines()
        rows = np.array([line.split()[1:] for line in lines], dtype="float64")
        rows /= rows.sum(axis=1, keepdims=True)
        yield Motif(header.split()[0], rows, source=SOURCE)
