"""Effects of the variants of a VCF file, written to a file as they are made.

What the rules are:

- Records come out in the order of the input, which may be any. Only as many of them
  are held in memory as are in two batches.
- Every alternative comes out, with scores or with a reason why it has none, one of
  `rckeras.interpret.alleles.REASONS`; `strict` makes the first one without scores an
  error.
- As VCF: each line of the input is written again byte for byte, but for the INFO of
  records, to which fields are added, and for the header, where these are declared.
  Columns up to INFO, and a header, are added where they are missing. Fields for targets
  have a value for each alternative (`Number=A`), `.` where it is not scored. FILTER is
  left to those who called the variants.
- As a table (see `zoo.tables`): a row for each alternative, and one for a record that
  has none.
- What scores mean, and how alleles are centred, is said in `rckeras.interpret.variants`
  and `rckeras.interpret.alleles`.
"""

import collections
import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zoo.annotation import Annotation, check_vcf_output, is_vcf, open_vcf
from zoo.prediction import (
    check_apart,
    has_room_for_bar,
    open_model,
    remark_on_dropout,
)
from zoo.registry import unique_ids
from zoo.tables import Columns, check_output, is_standard_output, open_table

if TYPE_CHECKING:
    import keras

    from rckeras.interpret.variants import VariantEffect, VariantScorer
    from rckeras.io.vcf import Variant

SCORES = ("log_odds", "difference", "reference", "alternative")

_KEYS = {
    "chrom": str,
    "position": int,
    "name": str,
    "ref": str,
    "alt": str,
    "reason": str,
    "padded": int,
}


@dataclass
class VariantSummary:
    """What `score_variants_file` did; prints as one line.

    Attributes:
        records: Variants read.
        scored: Alternatives with scores.
        padded: Of these, those with N off the ends of a chromosome.
        reasons: Alternatives without scores, by reason.
        strands: How strands were treated: `"forward"`, `"mean"` or `"logits"`.
    """

    records: int = 0
    scored: int = 0
    padded: int = 0
    reasons: collections.Counter = field(default_factory=collections.Counter)
    strands: str = "forward"

    def __str__(self) -> str:
        parts = [
            f"{self.records:,} variant{'s' * (self.records != 1)}",
            f"{self.scored:,} alternative{'s' * (self.scored != 1)} scored "
            f"({_STRANDS[self.strands]})",
        ]
        if self.padded:
            parts.append(f"{self.padded:,} of them padded with N")
        if self.reasons:
            listed = ", ".join(f"{n:,} {why}" for why, n in self.reasons.most_common())
            parts.append(f"{self.reasons.total():,} not scored: {listed}")
        return ", ".join(parts)


_STRANDS = {
    "forward": "forward strand",
    "mean": "mean probability of both strands",
    "logits": "mean log odds of both strands",
}


def score_variants_file(
    model: "keras.Model | str | os.PathLike",
    path: str | os.PathLike,
    output: str | os.PathLike | None = None,
    *,
    genome: str | os.PathLike,
    weights: str | os.PathLike | None = "default",
    targets: Sequence[str] | None = None,
    scores: Sequence[str] = ("log_odds", "difference"),
    strands: str = "auto",
    fit: str = "skip",
    strict: bool = False,
    length: int | None = None,
    n_value: float | None = None,
    mc_samples: int | None = None,
    seed: int = 0,
    batch_size: int = 128,
    prefix: str = "RCK",
    format: str | None = None,
    progress: bool = True,
    overwrite: bool = False,
) -> VariantSummary:
    """Compare what a network says of the alleles of the variants of a VCF file.

    Args:
        model: A network's name (see `zoo.list_models`), a `.keras` file, or a
            `keras.Model` from `(batch, length, 4)`, in the order A, C, G, T, to
            probabilities `(batch, targets)`.
        path: VCF; plain, gzip or bgzip; `"-"` for the standard input.
        output: File to write; `None` or `"-"` for the standard output.
        genome: FASTA file of the genome that the variants refer to.
        weights: Weights of a named network, as in `zoo.load`.
        targets: Names of the outputs to write; `None` for all. Without a card they are
            called `target_0`, `target_1`, ...
        scores: What to write of each target: `"log_odds"` (alternative less
            reference), `"difference"` of the probabilities, the probabilities
            `"reference"` and `"alternative"`.
        strands: `"mean"` of the probabilities for both strands, as DeepSEA has it,
            mean of their `"logits"`, or `"forward"` strand alone; `"auto"` is the
            last one if the network gives both strands the same, otherwise the first.
        fit: Where the network's input leaves the chromosome: `"skip"` gives no scores,
            `"pad"` puts N there.
        strict: Whether an alternative without scores is an error.
        length: Bases of the input, for a network that takes any.
        n_value: Value from 0 to 1 of the four channels for N; by default that of
            the network's training, 0 for a model without a card.
        mc_samples: Number of networks sampled by Monte Carlo dropout, at least 2, whose
            mean probability is compared; `None` to switch it off.
        seed: Integer that determines the samples.
        batch_size: Sequences per step.
        prefix: First part of the names of the INFO fields.
        format: `"vcf"`, or a format of `zoo.tables`; by default by the suffix of
            `output`, vcf on the standard output. A `.vcf.gz` is bgzip.
        progress: Whether to show a bar on stderr, if that is a terminal.
        overwrite: Whether to replace `output` if it exists.

    Returns:
        A `VariantSummary`.

    Raises:
        ValueError: If an argument, the model or a record does not fit; for a record
            the message starts with `path:line`.
        FileExistsError: If `output` exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.
        ImportError: If a genome or a format needs a package that is missing.

    Example:

    ```python
    score_variants_file("deepsea", "calls.vcf.gz", "scored.vcf.gz", genome="hg19.fa")
    score_variants_file("prdm9", "calls.vcf", "out.tsv", genome="hg38.fa", fit="pad")
    ```
    """
    from rckeras.interpret.variants import VariantScorer, check_fit
    from rckeras.io import Genome, read_vcf_lines
    from rckeras.progress import progress_bar

    check_fit(fit)
    _check_scores(scores)
    as_vcf = is_vcf(output, format)
    check = check_vcf_output if as_vcf else check_output
    format = check(output, format, overwrite)
    check_apart(output, path, genome, weights, model)
    _check_files(path, genome)
    model, names, card_n_value = open_model(model, weights)
    remark_on_dropout(model, mc_samples, progress)
    n_value = card_n_value if n_value is None else n_value
    with Genome(genome) as opened:
        scorer = VariantScorer(
            model, strands, n_value, length, batch_size, mc_samples, seed
        )
        chosen, names = _choose_targets(targets, names, scorer.targets)
        source = f"{model.name}, {_STRANDS[scorer.strands]}, {scorer.length} bases"
        source += f", mean of {mc_samples} samples" * (mc_samples is not None)
        annotation = Annotation(prefix, names, tuple(scores), source)
        lines = _Lines(read_vcf_lines(path, may_be_empty=True))
        records = _records(scorer, lines, opened, fit, path if strict else None)
        summary = VariantSummary(strands=scorer.strands)
        wanted = progress and has_room_for_bar(output)
        with (
            progress_bar(_count(path, wanted), "variants", wanted) as advance,
            _open(output, format, as_vcf, annotation, chosen) as write,
        ):
            while some := list(itertools.islice(records, batch_size)):
                write(some)
                advance(sum(_count_into(summary, record) for record in some))
    return summary


class Record(NamedTuple):
    """A variant with what came out for it.

    Attributes:
        before: Lines of the file before it, as they are.
        line: Its own, `None` behind the last variant of a file.
        effects: One for each alternative; one for none.
    """

    before: list[str]
    line: str | None
    effects: "list[VariantEffect]"


class _Lines:
    """Variants of a file, and the lines that were read meanwhile."""

    def __init__(self, lines: "Iterator[tuple[str, Variant | None]]"):
        self._lines = lines
        self._read: collections.deque = collections.deque()

    def variants(self) -> "Iterator[Variant]":
        for line, variant in self._lines:
            self._read.append((line, variant))
            if variant is not None:
                yield variant

    def next_record(self) -> tuple[list[str], str | None]:
        """The lines up to a variant, and its own."""
        before = []
        while self._read:
            line, variant = self._read.popleft()
            if variant is not None:
                return before, line
            before.append(line)
        return before, None


def _records(
    scorer: "VariantScorer",
    lines: _Lines,
    genome: object,
    fit: str,
    strict: str | os.PathLike | None,
) -> Iterator[Record]:
    from rckeras.interpret.variants import score_variants

    effects = score_variants(scorer, lines.variants(), genome, fit)
    # Two records may be equal, but not stand in the same line.
    for _, group in itertools.groupby(effects, lambda effect: effect.variant.line):
        group = list(group)
        for effect in group:
            if strict is not None and effect.reason:
                raise ValueError(f"{strict}:{effect.variant.line}: {effect.detail}")
        yield Record(*lines.next_record(), group)
    yield Record(*lines.next_record(), [])


def _count_into(summary: VariantSummary, record: Record) -> int:
    summary.records += record.line is not None
    for effect in record.effects:
        summary.scored += effect.reason is None
        summary.padded += effect.padded
        if effect.reason:
            summary.reasons[effect.reason] += 1
    return int(record.line is not None)


@contextlib.contextmanager
def _open(
    output: str | os.PathLike | None,
    format: str,
    as_vcf: bool,
    annotation: Annotation,
    chosen: np.ndarray,
) -> Iterator[Callable[[list[Record]], None]]:
    """Function that writes a list of `Record` in the format."""

    def values(effects: "Iterable[VariantEffect]") -> list[np.ndarray]:
        """An array `(alternatives, targets)` for each score."""
        return [
            np.array([getattr(e, name)[chosen] for e in effects], "float32")
            for name in annotation.scores
        ]

    def write_vcf(records: list[Record]) -> None:
        for record in records:
            write(record, values(record.effects))

    def write_table(records: list[Record]) -> None:
        effects = [effect for record in records for effect in record.effects]
        if effects:
            write([_keys(effect) for effect in effects], values(effects))

    if as_vcf:
        with open_vcf(output, annotation) as write:
            yield write_vcf
        return
    suffixes = {name: f"_{name}" for name in annotation.scores}
    columns = Columns(_KEYS, annotation.targets, suffixes)
    with open_table(output, format, columns) as write:
        yield write_table


def _keys(effect: "VariantEffect") -> tuple:
    v = effect.variant
    alleles = v.ref or ".", effect.alt or "."
    why = effect.reason or "."
    return v.chrom, v.position, v.name, *alleles, why, int(effect.padded)


def _choose_targets(
    wanted: Sequence[str] | None, names: Sequence[str] | None, count: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which outputs to write, and their names."""
    names = names or tuple(f"target_{index}" for index in range(count))
    names = unique_ids(names)
    if wanted is None:
        return np.arange(count), tuple(names)
    unknown = [name for name in wanted if name not in names]
    if unknown or len(set(wanted)) < len(wanted) or not wanted:
        listed = ", ".join(names[:8]) + (", ..." if count > 8 else "")
        raise ValueError(
            f"`targets` must be different ones of the model's {count}: {listed}. "
            f"Received: {', '.join(unknown or wanted) or 'none'}"
        )
    return np.array([names.index(name) for name in wanted]), tuple(wanted)


def _check_scores(scores: Sequence[str]) -> None:
    if not scores or set(scores) - set(SCORES) or len(set(scores)) < len(scores):
        raise ValueError(
            f"`scores` must be some of {', '.join(SCORES)}. Received: "
            f"{', '.join(scores) or 'none'}"
        )


def _check_files(*paths: str | os.PathLike) -> None:
    for path in paths:
        if not is_standard_output(path):
            Path(path).stat()


def _count(path: str | os.PathLike, wanted: bool) -> int | None:
    """About how many records will come, if the input can be read twice."""
    from rckeras.io import open_text

    if not wanted or not Path(path).is_file():
        return None
    with open_text(path) as lines:
        return sum(not line.startswith(("#", "\n")) for line in lines)
