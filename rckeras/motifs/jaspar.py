"""Motifs of the JASPAR collections, by way of pyjaspar, which has them offline."""

import contextlib
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rckeras.motifs.motif import Motif
from rckeras.sequence.alphabet import BASES

_MATRIX_ID = re.compile(r"([A-Za-z]+\d+)\.(\d+)")


def fetch_jaspar(ids: Iterable[str], release: str = "JASPAR2016") -> list[Motif]:
    """Fetches motifs from a release of JASPAR.

    Needs pyjaspar (`pip install "rckeras[motifs]"`), and no network.

    Args:
        ids: Matrix identifiers with their versions, such as `"MA0466.2"`: versions
            of a motif differ, so none is chosen for you.
        release: Release of JASPAR, such as `"JASPAR2016"`.

    Returns:
        The motifs in the order of `ids`, with JASPAR's class of the protein as
        `family`.

    Raises:
        ImportError: If pyjaspar is not installed.
        ValueError: If an identifier has no version or is not in the release, or
            there is no such release.

    Reference: Mathelier et al. 2016, JASPAR 2016, Nucleic Acids Research 44:D110-D115.

    Example:

    ```python
    cebpb, yy1 = fetch_jaspar(["MA0466.2", "MA0095.2"])
    ```
    """
    if isinstance(ids, str):
        raise TypeError(f"`ids` must be a list of identifiers. Received: {ids!r}")
    with _database(release) as database:
        return [_fetch(database, matrix_id, release) for matrix_id in ids]


def fetch_jaspar_collection(
    release: str = "JASPAR2016",
    tax_group: str | None = "vertebrates",
    collection: str = "CORE",
) -> list[Motif]:
    """Fetches all motifs of a collection, the latest version of each.

    Needs pyjaspar (`pip install "rckeras[motifs]"`), and no network.

    Args:
        release: Release of JASPAR.
        tax_group: Taxonomic group, such as `"vertebrates"`, `"plants"`, `"insects"`;
            `None` for all.
        collection: Collection of JASPAR, such as `"CORE"`.

    Returns:
        The motifs in the order of their identifiers: 519 with the defaults, those that
        Koo and Eddy 2019 compared filters with.

    Raises:
        ImportError: If pyjaspar is not installed.
        ValueError: If there is no such release, or no motif fits.

    Example:

    ```python
    vertebrates = fetch_jaspar_collection("JASPAR2018")
    ```
    """
    groups = None if tax_group is None else [tax_group]
    with _database(release) as database:
        found = database.fetch_motifs(collection=[collection], tax_group=groups)
    if not found:
        raise ValueError(
            f"`tax_group` and `collection` must be groups of {release}. "
            f"Received: {tax_group!r} and {collection!r}"
        )
    motifs = [_motif(motif, release) for motif in found]
    return sorted(motifs, key=lambda motif: motif.matrix_id)


@contextlib.contextmanager
def _database(release: str) -> Iterator[Any]:
    try:
        import pyjaspar
    except ImportError:
        raise ImportError(
            'JASPAR motifs need pyjaspar: pip install "rckeras[motifs]"'
        ) from None
    if release not in pyjaspar.jaspar_releases:
        raise ValueError(
            f"`release` must be one of {sorted(pyjaspar.jaspar_releases)}. "
            f"Received: {release!r}"
        )
    # Called `jaspardb` up to 4.0, `JasparDB` in what follows.
    name = "JasparDB" if hasattr(pyjaspar, "JasparDB") else "jaspardb"
    database = getattr(pyjaspar, name)(release=release)
    with contextlib.closing(database.conn), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of motifs not found, which is told below
        yield database


def _fetch(database: Any, matrix_id: str, release: str) -> Motif:
    parts = _MATRIX_ID.fullmatch(matrix_id)
    found = database.fetch_motif_by_id(matrix_id) if parts else None
    if found is None:
        base = matrix_id.partition(".")[0]
        raise ValueError(
            f"`ids` must be identifiers with a version in {release}, such as "
            f"'MA0466.2'{_versions(database, base)}. Received: {matrix_id!r}"
        )
    return _motif(found, release)


def _motif(found: Any, release: str) -> Motif:
    counts = np.array([found.counts[base] for base in BASES]).T
    motif = Motif.from_counts(found.name, counts, found.matrix_id, release)
    # What JASPAR calls a class; one for each protein of a dimer.
    family = "; ".join(dict.fromkeys(found.tf_class or ()))
    return replace(motif, family=family)


def _versions(database: Any, base: str) -> str:
    """The versions that a release has of a motif, as part of a message."""
    motifs = database.fetch_motifs(matrix_id=[base], all_versions=True) if base else []
    ids = sorted(motif.matrix_id for motif in motifs)
    return f"; of {base} it has {', '.join(ids)}" if ids else ""
