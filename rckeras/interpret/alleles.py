"""The two alleles of a variant, each in the middle of a window of the genome.

The rules, for windows as long as a network's input (`L` bases):

- As in DeepSEA, the first base of the reference allele has index `(L - 1) // 2` of its
  window, counted from 0: the very middle where `L` is odd, and the base left of the
  middle (499 of 1000) where it is even.
- The window of an alternative allele that is longer or shorter by `d` bases is centred
  likewise: half of `d` is lost, or comes in, at each end. Where `d` is odd, the odd
  base is lost at the right end, or comes in at the left one: the index of the allele
  is `(L - 1) // 2 - d // 2`, with `//` rounded down.
- Both windows hold all of their allele. One that is too long for that is refused.
- Letters that are ambiguous in the genome or in the reference allele are those of the
  other; where neither knows, or the alternative is ambiguous, there is no comparison.
- What is refused has a reason, one of `REASONS`.

Reference: Zhou and Troyanskaya 2015 (Nature Methods 12:931), "Predicting effects of
noncoding variants with deep learning-based sequence model"; the indices are those of
the authors' code (ExPecto, chromatin.py), which centres indels where the paper says
nothing of them.
"""

from typing import NamedTuple

from rckeras.io.genome import Genome
from rckeras.io.vcf import Variant
from rckeras.sequence.alphabet import AMBIGUOUS, IUPAC

FITS = ("skip", "pad")

REASONS = {
    "no_alternative": "the record has no alternative allele",
    "no_reference": "the record has no reference allele",
    "spanning_deletion": "the allele is *, deleted by another variant",
    "symbolic": "the allele is symbolic, without letters",
    "breakend": "the allele is a breakend",
    "ambiguous": "an allele holds N or another ambiguity code",
    "unknown_chromosome": "the genome has no such chromosome",
    "off_chromosome": "the position lies beyond the end of the chromosome",
    "reference_mismatch": "the genome has other letters than the reference allele",
    "too_long": "an allele does not fit into the network's input around its centre",
    "edge": "the network's input leaves the chromosome",
}

_CODES = frozenset(AMBIGUOUS + AMBIGUOUS.lower())


class UnscoredError(ValueError):
    """Why an alternative allele has no score.

    Args:
        reason: One of `REASONS`.
        detail: What was found, for a message.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{REASONS[reason]}: {detail}")
        self.reason = reason


class AlleleWindows(NamedTuple):
    """The two sequences of a comparison.

    Attributes:
        reference: Window with the reference allele.
        alternative: Window with the alternative allele, of the same length.
        padded: Whether N stands for bases off the ends of the chromosome.
    """

    reference: str
    alternative: str
    padded: bool


def allele_windows(
    variant: Variant, alt: str | None, genome: Genome, length: int, fit: str = "skip"
) -> AlleleWindows:
    """Spell the windows around the two alleles, as the head of this module has it.

    Args:
        variant: A variant, upper or lower case.
        alt: One of its alternatives; `None` for a record without any.
        genome: The genome to which its position refers.
        length: Bases of a window.
        fit: `"skip"` refuses windows that leave the chromosome, `"pad"` puts N there.

    Returns:
        An `AlleleWindows`. Where the genome or the reference allele has an ambiguity
        code, the letter is that of the other.

    Raises:
        UnscoredError: If there is nothing to compare, for one of `REASONS`.
        ValueError: If `fit` is unknown, or the variant has no such alternative.

    Example:

    ```python
    with Genome("hg19.fa") as genome:
        snv = Variant("chr8", 11_565_000, "rs1", "A", ("G",))
        windows = allele_windows(snv, "G", genome, 1000)
        windows.alternative[499]  # "G"
    ```
    """
    check_fit(fit)
    if alt is not None and alt not in variant.alts:
        listed = ", ".join(variant.alts) or "none, so None"
        raise ValueError(f"`alt` must be one of {listed}. Received: {alt!r}")
    _check_alleles(variant, alt)
    try:
        end_of_chrom = genome.length(variant.chrom)
    except ValueError as error:
        raise UnscoredError("unknown_chromosome", str(error)) from error
    ref, start = variant.ref, variant.start
    end = start + len(ref)
    if end > end_of_chrom:
        raise UnscoredError(
            "off_chromosome", f"{variant.chrom} has {end_of_chrom} bases"
        )
    left_of_ref = (length - 1) // 2
    left_of_alt = left_of_ref - (len(alt) - len(ref)) // 2
    right_of_ref = length - left_of_ref - len(ref)
    right_of_alt = length - left_of_alt - len(alt)
    if min(left_of_alt, right_of_ref, right_of_alt) < 0:
        raise UnscoredError(
            "too_long", f"{len(ref)} and {len(alt)} bases in windows of {length}"
        )
    left, right = max(left_of_ref, left_of_alt), max(right_of_ref, right_of_alt)
    padded = left > start or end + right > end_of_chrom
    if padded and fit == "skip":
        raise UnscoredError("edge", f"{variant.chrom}:{start - left}-{end + right}")
    around = genome.fetch(variant.chrom, start - left, end + right, pad=True)
    ref = _settle_reference(ref, around[left : left + len(ref)])
    before, behind = around[:left], around[left + len(ref) :]
    return AlleleWindows(
        before[left - left_of_ref :] + ref + behind[:right_of_ref],
        before[left - left_of_alt :] + alt + behind[:right_of_alt],
        padded,
    )


def check_fit(fit: str) -> None:
    """Check that what to do at the ends of chromosomes is known.

    Raises:
        ValueError: If it is none of `FITS`.
    """
    if fit not in FITS:
        raise ValueError(f"`fit` must be one of {', '.join(FITS)}. Received: {fit!r}")


def _check_alleles(variant: Variant, alt: str | None) -> None:
    """Refuse what is not spelled in the four letters."""
    ref = variant.ref
    if alt is None:
        raise UnscoredError("no_alternative", f"REF {ref or '.'}, ALT .")
    written = f"REF {ref or '.'}, ALT {alt}"
    written = written if len(written) < 80 else f"{written[:77]}..."
    if ref is None:
        raise UnscoredError("no_reference", written)
    if alt == "*":
        raise UnscoredError("spanning_deletion", written)
    if alt not in variant.spelled_alts:
        # A mate of a breakend may lie on a symbolic contig: A[<ctg1>:7[
        symbolic = "<" in alt and not {"[", "]"} & set(alt)
        kind = "symbolic" if symbolic else "breakend"
        raise UnscoredError(kind, written)
    if not _CODES.isdisjoint(alt):
        raise UnscoredError("ambiguous", written)


def _meanings(letter: str) -> set[str]:
    return set(IUPAC[letter.upper()])


def _settle_reference(ref: str, found: str) -> str:
    """The reference allele in the four letters, if the genome does not object."""
    if ref.upper() == found.upper():
        letters = ref
    else:
        pairs = list(zip(ref, found, strict=True))
        if not all(_meanings(a) & _meanings(b) for a, b in pairs):
            raise UnscoredError("reference_mismatch", f"REF {ref}, genome {found}")
        letters = "".join(b if a in _CODES else a for a, b in pairs)
    if not _CODES.isdisjoint(letters):
        raise UnscoredError("ambiguous", f"REF {ref}, genome {found}")
    return letters
