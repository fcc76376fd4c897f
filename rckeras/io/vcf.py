"""Variants from VCF files.

An own reader, for the maintained libraries need htslib, which has no wheels for
Windows, or give no line numbers.

The rules:

- Columns are separated by tabs: chromosome, position counted from 1, name, reference
  (REF), alternatives (ALT), then may come QUAL, FILTER and INFO, `"."` where they are
  missing. Genotypes are not read. Blank lines and lines that start with `#` are
  skipped wherever they stand, so the header may be missing; a `#CHROM` line must name
  the first five columns in their order.
- A record with several alternatives is one `Variant` with all of them. Letters keep
  their case; IUPAC codes are taken.
- A reference of `.`, against the format's rules but found, is `None`; alternatives of
  `.` are an empty tuple, for nothing but the reference was seen.
- An alternative that is not spelled in letters is kept as it is written: `*` (deleted
  by another variant), a symbolic allele (`<DEL>`), a breakend (`G]17:198982]`,
  `.TGCA`). `Variant.spelled_alts` leaves them out.
- Position 0 is the telomere, where only breakends and symbolic alleles can be.
- Errors, with file, line and the field received: fewer than five columns or no tab, a
  position that is no whole number, position 0 of letters, an empty chromosome, another
  character in an allele, an empty allele (as in `A,`), and a file without a variant.
- Not checked: the meta-information, whether chromosomes exist, whether the reference
  is that of a genome, whether it differs from the alternatives, the order and repeats.
  Every variant is given, in the order of the file.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rckeras.io.rows import parse_position
from rckeras.io.text import open_text
from rckeras.sequence.alphabet import AMBIGUOUS, BASES

_HEADER = ("#CHROM", "POS", "ID", "REF", "ALT")
_SPELLED = re.compile(f"[{BASES}{AMBIGUOUS}]+", re.IGNORECASE | re.ASCII)
_UNSPELLED = re.compile(
    r"\*|[A-Z]*<[^<>,\s]+>|<[^<>,\s]+>[A-Z]+"
    r"|\.[A-Z]+|[A-Z]+\."  # breakends without a mate
    r"|[A-Z.]*([\[\]])[^\[\]\s]+\1[A-Z.]*",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One record of a VCF file.

    Args:
        chrom: Name of the chromosome.
        position: Position of the first letter of `ref`, counted from 1 as in the
            file.
        name: Name or names, `"."` if there is none.
        ref: The reference, `None` where the file has `.`.
        alts: The alternatives as written, none where the file has `.`.
        qual: Quality, as written.
        filter: Filters that failed, or `PASS`, as written.
        info: The INFO column, as written.
        line: Line in the file, counted from 1; 0 if not from a file.
    """

    chrom: str
    position: int
    name: str
    ref: str | None
    alts: tuple[str, ...]
    qual: str = "."
    filter: str = "."
    info: str = "."
    line: int = 0

    @property
    def start(self) -> int:
        """Position of the first letter of `ref`, counted from 0."""
        return self.position - 1

    @property
    def spelled_alts(self) -> tuple[str, ...]:
        """The alternatives that are spelled in letters."""
        return tuple(alt for alt in self.alts if _SPELLED.fullmatch(alt))


def read_vcf(path: str | os.PathLike) -> Iterator[Variant]:
    """Reads a VCF file, plain or compressed by gzip or bgzip.

    Args:
        path: File to read, or `"-"` for the standard input.

    Yields:
        A `Variant` for each record. One record is held in memory at a time.

    Raises:
        FileNotFoundError: When reading starts, if there is no such file.
        ValueError: If the file breaks a rule of this module (the message starts
            with `path:line`), or is BCF.

    Example:

    ```python
    for variant in read_vcf("variants.vcf.gz"):
        for alt in variant.spelled_alts:
            print(variant.chrom, variant.start, variant.ref, alt)
    ```
    """
    for _, variant in read_vcf_lines(path):
        if variant is not None:
            yield variant


def read_vcf_lines(
    path: str | os.PathLike, may_be_empty: bool = False
) -> Iterator[tuple[str, Variant | None]]:
    """Reads a VCF file line by line, for one who writes the lines again.

    Args:
        path: File to read, or `"-"` for the standard input.
        may_be_empty: Whether a file may have a header and no variant.

    Yields:
        Each line with the end that it has in the file, and its `Variant`, or `None`
        for a line that holds none.

    Raises:
        FileNotFoundError: When reading starts, if there is no such file.
        ValueError: As `read_vcf`.

    Example:

    ```python
    for line, variant in read_vcf_lines("variants.vcf"):
        if variant is None or variant.chrom == "chr1":
            sys.stdout.write(line)
    ```
    """
    empty, header = True, False
    with open_text(path, keep_ends=True) as lines:
        for number, text in enumerate(lines, start=1):
            line, variant = text.rstrip("\r\n"), None
            if line.startswith("#CHROM"):
                _check_header(line, f"{path}:{number}")
                header = True
            elif line.strip() and not line.startswith("#"):
                empty = False
                variant = _variant(line, number, f"{path}:{number}")
            yield text, variant
    if empty and not (may_be_empty and header):
        raise ValueError(f"{path}: the file holds no variant")


def _check_header(line: str, place: str) -> None:
    if tuple(line.split("\t")[:5]) != _HEADER:
        raise ValueError(
            f"{place}: the first columns must be {', '.join(_HEADER)}, separated by "
            f"tabs. Received: {line[:60]!r}"
        )


def _variant(line: str, number: int, place: str) -> Variant:
    fields = line.split("\t", 8)
    if len(fields) < 5 or not fields[0]:
        raise ValueError(
            f"{place}: a variant needs at least five columns separated by tabs "
            f"(chromosome, position, name, REF, ALT). Received: {line[:60]!r}"
        )
    chrom, position, name, ref, alts, *rest = fields
    variant = Variant(
        chrom,
        parse_position(position, "position", place),
        name or ".",
        _reference(ref, place),
        _alternatives(alts, place),
        *(field or "." for field in rest[:3]),
        line=number,
    )
    if variant.position == 0 and (variant.spelled_alts or not variant.alts):
        raise ValueError(
            f"{place}: positions count from 1; 0 is the telomere, for breakends. "
            f"Received: position 0, REF {ref!r}, ALT {alts!r}"
        )
    return variant


def _reference(field: str, place: str) -> str | None:
    if field == ".":
        return None
    if not _SPELLED.fullmatch(field):
        raise ValueError(
            f"{place}: the reference (REF) must be of the letters A, C, G, T, N or "
            f"another IUPAC code, or '.' if it is missing. Received: {field!r}"
        )
    return field


def _alternatives(field: str, place: str) -> tuple[str, ...]:
    if field == ".":
        return ()
    alts = tuple(field.split(","))
    for alt in alts:
        if not (_SPELLED.fullmatch(alt) or _UNSPELLED.fullmatch(alt)):
            raise ValueError(
                f"{place}: an alternative (ALT) must be of the letters A, C, G, T, N "
                "or another IUPAC code, '*', a symbolic allele such as '<DEL>' or a "
                f"breakend, or '.' for none at all. Received: {alt!r} in {field!r}"
            )
    return alts
