"""Names of chromosomes, which databases write differently.

UCSC writes `chr1` and `chrM` where Ensembl writes `1` and `MT`. Two names mean the
same chromosome where their plain names are equal.
"""

from collections.abc import Iterable, Sequence

import numpy as np


def plain_chrom(name: str) -> str:
    """What remains of a chromosome's name without the habits of the databases.

    Args:
        name: Name as a file has it.

    Returns:
        The name without a leading `chr` (in any case), and `M` for `MT`. The rest
        keeps its case.

    Example:

    >>> [plain_chrom(name) for name in ("chr1", "1", "chrX", "chrM", "MT")]
    ['1', '1', 'X', 'M', 'M']
    """
    plain = name[3:] if name[:3].lower() == "chr" else name
    return "M" if plain == "MT" else plain


def plain_chroms(names: Sequence[str] | np.ndarray) -> np.ndarray:
    """The plain names of many intervals, which have few chromosomes.

    Args:
        names: Names, of shape `(intervals,)`.

    Returns:
        Array of strings, of shape `(intervals,)`.

    Example:

    >>> held_out = np.isin(plain_chroms(["chr1", "chr8", "8"]), plain_chroms(["8"]))
    >>> held_out.tolist()
    [False, True, True]
    """
    different, which = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return np.array([plain_chrom(str(name)) for name in different], dtype=str)[which]


def chrom_aliases(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of a file by plain name; more than one where they mean the same.

    Args:
        names: Names as the file has them.
    """
    aliases: dict[str, list[str]] = {}
    for name in names:
        aliases.setdefault(plain_chrom(name), []).append(name)
    return aliases
