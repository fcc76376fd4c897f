"""VCF files written again, with the effects of their variants in INFO."""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.tables import check_output, is_standard_output

if TYPE_CHECKING:
    from zoo.variants import Record

SUFFIXES = (".vcf", ".vcf.gz", ".vcf.bgz")

_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_INFO = _COLUMNS.index("INFO")
_ABOUT = {
    "log_odds": ("LO", "Log odds of ALT less those of REF, natural logarithm"),
    "difference": ("DIFF", "Probability for ALT less that for REF"),
    "reference": ("REF", "Probability for REF"),
    "alternative": ("ALT", "Probability for ALT"),
}
_DECLARED = re.compile(r"##INFO=<ID=([^,>]+)")
_PREFIX = re.compile(r"[A-Za-z_][0-9A-Za-z_]*", re.ASCII)

# Formats such as VCF's tell a field's end by these.
_ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": " ", "\r": " "})


@dataclass(frozen=True)
class Annotation:
    """The INFO fields that are added to a VCF file.

    Args:
        prefix: First part of their names.
        targets: Names of the targets.
        scores: Scores of each target: `"log_odds"`, `"difference"`, `"reference"`
            or `"alternative"`.
        source: Network and strands, for the header.

    Raises:
        ValueError: If `prefix` cannot begin the name of a field.
    """

    prefix: str
    targets: tuple[str, ...]
    scores: tuple[str, ...]
    source: str

    def __post_init__(self):
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(
                "`prefix` (--prefix) must be of letters, digits and _, and not begin "
                f"with a digit. Received: {self.prefix!r}"
            )

    @property
    def skip(self) -> str:
        """Field of the reasons for alternatives without scores."""
        return f"{self.prefix}_SKIP"

    @property
    def pad(self) -> str:
        """Flag of windows with N off the ends of a chromosome."""
        return f"{self.prefix}_PAD"

    @property
    def ids(self) -> list[list[str]]:
        """Field of each target, in a list for each score."""
        from zoo.registry import unique_ids

        plain = [re.sub(r"[^0-9A-Za-z_.]", "_", name) for name in self.targets]
        plain = unique_ids(plain)
        return [
            [f"{self.prefix}_{_ABOUT[score][0]}_{name}" for name in plain]
            for score in self.scores
        ]

    def header(self) -> list[str]:
        """Lines that declare the fields."""
        from rckeras.interpret.alleles import REASONS

        reasons = ", ".join(REASONS)
        lines = [
            _declare(self.skip, ".", "String", f"Why ALT has no scores: {reasons}"),
            _declare(self.pad, "0", "Flag", "Windows have N off the chromosome's ends"),
        ]
        for score, ids in zip(self.scores, self.ids, strict=True):
            about = f"{_ABOUT[score][1]} ({self.source})"
            lines += [
                _declare(key, "A", "Float", f"{target}: {about}")
                for key, target in zip(ids, self.targets, strict=True)
            ]
        return lines


def is_vcf(path: str | os.PathLike | None, format: str | None) -> bool:
    """Whether the output is VCF, by its format or else by its suffix."""
    if format is not None or is_standard_output(path):
        return format in (None, "vcf")
    return Path(path).name.lower().endswith(SUFFIXES)


def check_vcf_output(
    path: str | os.PathLike | None, format: str | None, overwrite: bool
) -> str:
    """Check, before any work is done, that a VCF file can be written.

    Raises:
        ValueError: If the path is no file.
        FileExistsError: If there is such a file and `overwrite` is `False`.
        FileNotFoundError: If there is no such folder.
        ImportError: If it is to be compressed and Biopython is missing.
    """
    if not is_standard_output(path):
        check_output(path, "tsv", overwrite)
        if _is_compressed(path):
            _import_bgzf()
    return "vcf"


@contextlib.contextmanager
def open_vcf(
    path: str | os.PathLike | None, annotation: Annotation
) -> "Iterator[Callable[[Record, list[np.ndarray]], None]]":
    """Open a VCF file for writing; it gets its name when the context ends well.

    Args:
        path: File to write, replaced if it exists, compressed by bgzip if it ends in
            `.gz` or `.bgz`; `None` or `"-"` for the standard output.
        annotation: The fields to add.

    Returns:
        Context manager whose value is a function that takes a record and, for each
        score, an array `(alternatives, targets)`.
    """
    from rckeras.io.whole import complete_or_none

    if is_standard_output(path):
        yield _Writer(sys.stdout.write, annotation).write
        return
    with complete_or_none(path) as part:
        if _is_compressed(path):
            with contextlib.closing(_import_bgzf().BgzfWriter(part, "wb")) as file:
                put = lambda text: file.write(text.encode())  # noqa: E731
                yield _Writer(put, annotation).write
        else:
            with part.open("w", encoding="utf-8", newline="") as file:
                yield _Writer(file.write, annotation).write


class _Writer:
    def __init__(self, put: Callable[[str], Any], annotation: Annotation):
        self.put = put
        self.annotation = annotation
        self.keys = annotation.ids
        self.known = {annotation.skip, annotation.pad}.union(*self.keys)
        self.in_header = True

    def write(self, record: "Record", values: list[np.ndarray]) -> None:
        if self.in_header:
            self._write_header(record.before, record.line)
        else:
            self.put("".join(record.before))
        if record.line is not None:
            self.put(self._annotate(record, values))

    def _write_header(self, lines: list[str], first: str | None) -> None:
        """The header, made up where there is none, with the new fields."""
        self.in_header = False
        titles = [i for i, line in enumerate(lines) if line.startswith("#CHROM")]
        end = titles[0] if titles else len(lines)
        above, title, below = lines[:end], lines[end : end + 1], lines[end + 1 :]
        declared = {m[1] for line in above if (m := _DECLARED.match(line))}
        for name in sorted(declared & self.known):
            raise ValueError(
                f"the VCF file has a field {name} already; another `prefix` (--prefix) "
                "gives the new ones other names"
            )
        # A file of one line may lack its end.
        ending = _ending(first or "") or _ending(lines[0] if lines else "") or "\n"
        if not above or not above[0].startswith("##fileformat"):
            above.insert(0, f"##fileformat=VCFv4.2{ending}")
        text = _fill_title(title[0] if title else "", first or "")
        self.put("".join(above))
        self.put("".join(line + ending for line in self.annotation.header()))
        self.put("".join([text + ending, *below]))

    def _annotate(self, record: "Record", values: list[np.ndarray]) -> str:
        line = record.line.rstrip("\r\n")
        fields = line.split("\t")
        fields += ["."] * (len(_COLUMNS) - len(fields))
        info = [] if fields[_INFO] in (".", "") else [fields[_INFO].rstrip(";")]
        reasons = [effect.reason or "." for effect in record.effects]
        if any(effect.padded for effect in record.effects):
            info.append(self.annotation.pad)
        if set(reasons) != {"."}:
            info.append(f"{self.annotation.skip}={','.join(reasons)}")
        if "." in reasons:
            for keys, numbers in zip(self.keys, values, strict=True):
                for key, column in zip(keys, _spell(numbers.T), strict=True):
                    info.append(f"{key}={','.join(column)}")
        fields[_INFO] = ";".join(info)
        return "\t".join(fields) + (_ending(record.line) or "")


def _spell(numbers: np.ndarray) -> list[list[str]]:
    # As text, numpy gives the shortest digits that mean the same float32.
    cells = np.where(np.isnan(numbers), ".", numbers.astype("U16"))
    return cells.tolist()


def _fill_title(title: str, first: str) -> str:
    """The line of the columns' names, at least up to INFO."""
    names = title.rstrip("\r\n").split("\t") if title else []
    names += _COLUMNS[len(names) :]
    extra = len(first.split("\t")) - len(_COLUMNS)
    if not title and extra > 0:
        names += ["FORMAT", *(f"sample{i}" for i in range(1, extra))]
    return "\t".join(names)


def _ending(line: str) -> str:
    """What ends a line in the file."""
    return line[len(line.rstrip("\r\n")) :]


def _declare(key: str, number: str, kind: str, about: str) -> str:
    text = about.translate(_ESCAPED)
    return f'##INFO=<ID={key},Number={number},Type={kind},Description="{text}">'


def _is_compressed(path: str | os.PathLike) -> bool:
    return Path(path).name.lower().endswith((".gz", ".bgz"))


def _import_bgzf() -> Any:
    try:
        from Bio import bgzf
    except ImportError as error:
        raise ImportError(
            'A .vcf.gz is written by Biopython: pip install "rckeras[genome]"'
        ) from error
    return bgzf
