"""Pieces of a genome by position, from an indexed FASTA file.

Positions count from 0 and the end is excluded, as in BED files. The index (`.fai`,
and `.gzi` for bgzip) is the one of `samtools faidx`. One that is missing, or older
than its FASTA file, is made when the genome is opened: beside the file, or, where
that folder cannot be written, in the folder for temporary files.
"""

import contextlib
import difflib
import hashlib
import operator
import os
import stat
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Self

from rckeras.io.chromosomes import chrom_aliases, plain_chrom
from rckeras.sequence.alphabet import reverse_complement_string

_GZIP_MAGIC = b"\x1f\x8b"
_BGZIP_EXTRA = b"BC\x02\x00"


class Genome:
    """A genome in a FASTA file, plain or compressed by bgzip.

    Needs pyfaidx, and Biopython for bgzip: `pip install "rckeras[genome]"`.

    Args:
        path: FASTA file. One compressed by bgzip must end in `.gz` or `.bgz`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is compressed by gzip instead of bgzip, is no FASTA
            file, or has records of the same name or with lines of uneven length.
        ImportError: If pyfaidx or Biopython is missing.

    Example:

    ```python
    with Genome("hg38.fa.gz") as genome:
        sequence = genome.fetch("chr1", 10_000, 11_000, strand="-")
    ```
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        compressed = _is_bgzip(self.path)
        pyfaidx = _import_pyfaidx(compressed)
        try:
            files = _index_files(self.path, compressed, pyfaidx)
            self._faidx = pyfaidx.Faidx(self.path, as_raw=True, **files)
        except (pyfaidx.FastaIndexingError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
        self._aliases = chrom_aliases(self._faidx.index)

    @property
    def lengths(self) -> dict[str, int]:
        """Number of bases of each chromosome, in the order of the file."""
        return {name: entry.rlen for name, entry in self._faidx.index.items()}

    def length(self, chrom: str) -> int:
        """Number of bases of a chromosome.

        Args:
            chrom: Name of the chromosome, as in `fetch`.

        Raises:
            ValueError: If the chromosome is unknown.
        """
        return self._faidx.index[self._resolve(chrom)].rlen

    def fetch(
        self, chrom: str, start: int, end: int, strand: str = "+", pad: bool = False
    ) -> str:
        """Returns the bases of an interval, case kept.

        Args:
            chrom: Name of the chromosome. Where the file writes the same one
                otherwise (`chr1` and `1`, `chrM` and `MT`), that one is meant.
            start: First base, counted from 0.
            end: The base after the last one.
            strand: `"+"`, `"-"` for the reverse complement, or `"."` (unknown),
                which is read as `"+"`.
            pad: Whether bases off the ends of the chromosome are given as N.

        Returns:
            String of `end - start` letters.

        Raises:
            ValueError: If the chromosome is unknown, `end` is not after `start`,
                the interval leaves the chromosome and `pad` is `False`, or
                `strand` is another.
        """
        start, end = operator.index(start), operator.index(end)
        if strand not in ("+", "-", "."):
            raise ValueError(f"`strand` must be '+', '-' or '.'. Received: {strand!r}")
        if end <= start:
            raise ValueError(
                f"`end` must be after `start`. Received: start={start}, end={end}"
            )
        name = self._resolve(chrom)
        length = self._faidx.index[name].rlen
        if not pad and (start < 0 or end > length):
            raise ValueError(
                f"{chrom}:{start}-{end} leaves the chromosome, which has {length} "
                "bases (0 to its length); pad=True fills with N"
            )
        sequence = self._padded(name, start, end, length)
        return reverse_complement_string(sequence) if strand == "-" else sequence

    def close(self) -> None:
        """Closes the file."""
        self._faidx.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _padded(self, name: str, start: int, end: int, length: int) -> str:
        first, last = max(start, 0), min(end, length)
        if first >= last:
            return "N" * (end - start)
        inside = self._faidx.fetch(name, first + 1, last)
        return "N" * (first - start) + inside + "N" * (end - last)

    def _resolve(self, chrom: str) -> str:
        """The name in the file of a chromosome."""
        if chrom in self._faidx.index:
            return chrom
        names = self._aliases.get(plain_chrom(chrom), [])
        if len(names) == 1:
            return names[0]
        known = list(self._faidx.index)
        near = names or difflib.get_close_matches(chrom, known)
        meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        raise ValueError(
            f"`chrom` must be a chromosome of {self.path}. Received: {chrom!r}.{meant} "
            f"The file holds {len(known)}: {listed}"
        )


def _import_pyfaidx(compressed: bool) -> ModuleType:
    try:
        import pyfaidx

        if compressed:
            import Bio.bgzf  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Reading a genome needs pyfaidx, and Biopython where it is compressed: "
            f'pip install "rckeras[genome]". Missing: {error.name}'
        ) from error
    return pyfaidx


def _is_bgzip(path: Path) -> bool:
    """Whether the file is bgzip; refuses what cannot be read from the middle."""
    with path.open("rb") as file:
        head = file.read(16)
    compressed = head.startswith(_GZIP_MAGIC)
    if compressed and head[12:16] != _BGZIP_EXTRA:
        raise ValueError(
            f"{path} is compressed by gzip, which cannot be read from the middle. "
            "Decompress it (gunzip), or compress it anew with bgzip"
        )
    # pyfaidx goes by the name alone.
    if compressed != path.name.lower().endswith((".gz", ".bgz")):
        state = "compressed by bgzip" if compressed else "not compressed"
        raise ValueError(
            f"{path}: a genome compressed by bgzip, and no other, must end in .gz or "
            f".bgz. This one is {state}; rename it"
        )
    return compressed


def _index_files(path: Path, compressed: bool, pyfaidx: ModuleType) -> dict[str, Path]:
    """Index files that are not older than the FASTA, made where there are none."""
    suffixes = {"indexname": ".fai"}
    if compressed:
        suffixes["gzi_indexname"] = ".gzi"
    changed = path.stat().st_mtime
    for locate in (str, _temporary_stem):
        stem = locate(path)
        files = {argument: Path(f"{stem}{end}") for argument, end in suffixes.items()}
        if all(f.exists() and f.stat().st_mtime >= changed for f in files.values()):
            return files
        if os.access(path.parent, os.W_OK):
            break
    _build_index(path, files, pyfaidx)
    return files


def _temporary_stem(path: Path) -> Path:
    """Where the index of a FASTA in a folder that cannot be written is kept."""
    found = path.stat()
    key = f"{path.resolve()} {found.st_size} {found.st_mtime_ns}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return _private_folder() / f"{path.name}-{digest}"


def _private_folder() -> Path:
    """A folder for temporary files that nobody else could have filled."""
    if not hasattr(os, "getuid"):  # there each user has a temporary folder of their own
        folder = Path(tempfile.gettempdir(), "rckeras-index")
        folder.mkdir(exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir(), f"rckeras-index-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    # The mode says folder or link too.
    if (found.st_uid, found.st_mode) == (os.getuid(), stat.S_IFDIR | 0o700):
        return folder
    return Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))


def _build_index(path: Path, files: dict[str, Path], pyfaidx: ModuleType) -> None:
    """Makes the index aside and moves it in place, so that none is seen half made."""
    target = files["indexname"].parent
    with tempfile.TemporaryDirectory(dir=target, prefix=".index-") as folder:
        made = {argument: Path(folder, file.name) for argument, file in files.items()}
        pyfaidx.Faidx(path, **made).close()
        for argument, file in files.items():
            made[argument].replace(file)
