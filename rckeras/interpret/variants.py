"""Effects of variants: what a network says of an alternative and of the reference.

Probabilities `p` of the two alleles are compared by their difference, and by the
difference of their log odds `log(p / (1 - p))` (natural logarithm). These come from in
front of a last sigmoid or softmax, and so stay exact where `p` is close to 0 or 1. How
alleles are centred is said in `rckeras.interpret.alleles`.

Reference: Zhou and Troyanskaya 2015 (Nature Methods 12:931), "Predicting effects of
noncoding variants with deep learning-based sequence model", online methods.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from rckeras.interpret.alleles import (
    AlleleWindows,
    UnscoredError,
    allele_windows,
    check_fit,
)
from rckeras.interpret.gradients import check_functional
from rckeras.interpret.logits import logit_model
from rckeras.interpret.monte_carlo import settle_dropout
from rckeras.io.genome import Genome
from rckeras.io.vcf import Variant
from rckeras.sequence.alphabet import BASES, one_hot_encode
from rckeras.symmetry.audit import audit_strand_symmetry
from rckeras.symmetry.report import EQUIVARIANT, INVARIANT

STRANDS = ("auto", "mean", "logits", "forward")

_LEAST = 1e-7  # a probability of float32 that is 1 may be less by this


@dataclass(frozen=True, slots=True, eq=False)
class VariantEffect:
    """What came out for one alternative allele of a variant.

    Args:
        variant: The variant.
        alt: The alternative as written, `None` for a record without any.
        reason: Why there are no scores, one of `REASONS`; `None` where there are.
        detail: The same in words.
        padded: Whether N stands for bases off the ends of the chromosome.
        reference: Probabilities of the targets for the reference allele, of shape
            `(targets,)` as all that follow; NaN without scores.
        alternative: Those for the alternative allele.
        log_odds: Log odds of the alternative less those of the reference.
    """

    variant: Variant
    alt: str | None
    reason: str | None
    detail: str
    padded: bool
    reference: np.ndarray
    alternative: np.ndarray
    log_odds: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """Probabilities for the alternative less those for the reference."""
        return self.alternative - self.reference


class VariantScorer:
    """Compares the two alleles of variants by what a network says of them.

    Args:
        model: Network from `(batch, length, 4)` to probabilities `(batch, targets)`,
            functional or sequential. Where it ends neither in a sigmoid nor in a
            softmax, its outputs must lie from 0 to 1 all the same.
        strands: `"mean"` averages the probabilities for the two strands, as DeepSEA
            does; `"logits"` their log odds; `"forward"` asks for the forward strand
            alone. `"auto"` is `"forward"` for a network that by construction gives
            both strands the same, or the same with target `i` and `n - 1 - i` in each
            other's place, otherwise `"mean"`.
        n_value: Number from 0 to 1 that stands four times for N.
        length: Bases of the input; needed for a network that takes any.
        batch_size: Sequences per step.
        mc_samples: Number of networks sampled by Monte Carlo dropout, at least 2, whose
            mean probability is compared; all alleles see the same. `None` to switch it
            off.
        seed: Integer that determines the samples.

    Raises:
        TypeError: If the model is neither functional nor sequential.
        ValueError: If an argument is out of range, or the model does not fit.

    Reference: Zhou and Troyanskaya 2015; Zhou, Shrikumar and Kundaje 2022 (PMLR
    165:1-33), section 2, on the two means.

    Example:

    >>> scorer = VariantScorer(zoo.load("shrikumar-sim-rc"))
    >>> scorer.strands
    'forward'
    >>> windows = AlleleWindows("A" * 200, "A" * 99 + "G" + "A" * 100, False)
    >>> reference, alternative, log_odds = scorer.score([windows])
    >>> log_odds.shape
    (1, 3)
    """

    def __init__(
        self,
        model: keras.Model,
        strands: str = "auto",
        n_value: float = 0.0,
        length: int | None = None,
        batch_size: int = 128,
        mc_samples: int | None = None,
        seed: int = 0,
    ):
        _check_options(strands, n_value, batch_size)
        check_functional(model)
        self.length = _settle_length(model, length)
        self.targets = model.output_shape[-1]
        self.n_value = n_value
        self.batch_size = batch_size
        if strands == "auto":
            found = audit_strand_symmetry(model, length=self.length, samples=4)
            exact = found.symmetry in (INVARIANT, EQUIVARIANT)
            strands = "forward" if exact else "mean"
        self.strands = strands
        self._predict, self._gives_probabilities = self._predictor(
            model, mc_samples, seed
        )

    def _predictor(
        self, model: keras.Model, mc_samples: int | None, seed: int
    ) -> tuple[Callable[[np.ndarray], np.ndarray], bool]:
        """Function from a batch to what is said of it, and if that is probabilities."""
        settled = settle_dropout(model, mc_samples, seed)
        if mc_samples is not None:
            return lambda x: settled.predict(x, len(x))[0], True
        logits = logit_model(settled)
        return logits.predict_on_batch, logits is settled

    def score(
        self, windows: Sequence[AlleleWindows]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Probabilities of both alleles, and how their log odds differ.

        Args:
            windows: What `allele_windows` gives, of the network's length.

        Returns:
            `(reference, alternative, log_odds)`, each `(windows, targets)` in float64.

        Raises:
            ValueError: If the model gives numbers that are no probabilities.
        """
        if not windows:
            return (np.empty((0, self.targets)),) * 3
        pairs = [(pair.reference, pair.alternative) for pair in windows]
        # Alternatives of one record share a window, and so may neighbours.
        different = {s: i for i, s in enumerate(dict.fromkeys(itertools.chain(*pairs)))}
        size, sequences = self.batch_size, list(different)
        log_odds = np.concatenate(
            [
                self._log_odds(sequences[start : start + size])
                for start in range(0, len(sequences), size)
            ]
        )
        ref, alt = np.array([[different[s] for s in pair] for pair in pairs]).T
        p = np.exp(_log_sigmoid(log_odds))
        return p[ref], p[alt], log_odds[alt] - log_odds[ref]

    def _log_odds(self, sequences: list[str]) -> np.ndarray:
        x = one_hot_encode(sequences, "float32", self.n_value)
        first = self._outputs(x)
        if self.strands == "forward":
            return first
        other = self._outputs(np.ascontiguousarray(x[:, ::-1, ::-1]))
        if self.strands == "logits":
            return (first + other) / 2
        # Odds of the mean of two probabilities, exact also where both round to 1.
        found = np.logaddexp(_log_sigmoid(first), _log_sigmoid(other))
        return found - np.logaddexp(_log_sigmoid(-first), _log_sigmoid(-other))

    def _outputs(self, x: np.ndarray) -> np.ndarray:
        # A power of two, for some backends compile for every new size.
        size = min(self.batch_size, 1 << (len(x) - 1).bit_length())
        full = np.concatenate([x, np.zeros((size - len(x), *x.shape[1:]), x.dtype)])
        y = np.asarray(self._predict(full)[: len(x)], "float64")
        return _log_odds_of(y) if self._gives_probabilities else y


def score_variants(
    model: keras.Model | VariantScorer,
    variants: Iterable[Variant],
    genome: Genome,
    fit: str = "skip",
) -> Iterator[VariantEffect]:
    """Compares the alleles of variants, as they come.

    Args:
        model: A network as for `VariantScorer`, or a scorer with options of its own.
        variants: Variants in any order, such as `read_vcf` gives.
        genome: The genome to which their positions refer.
        fit: `"skip"` gives no scores where the network's input leaves the chromosome,
            `"pad"` puts N there.

    Yields:
        A `VariantEffect` for each alternative of each variant, in their order, and
        one for a variant that has none. As many variants are held in memory as are in
        a batch.

    Raises:
        TypeError: If the model is neither functional nor sequential.
        ValueError: If `fit` is unknown, or the model does not fit or gives numbers that
            are no probabilities.

    Reference: Zhou and Troyanskaya 2015.

    Example:

    ```python
    with Genome("hg19.fa") as genome:
        for effect in score_variants(zoo.load("deepsea"), read_vcf("in.vcf"), genome):
            print(effect.variant.name, effect.alt, effect.reason, effect.log_odds)
    ```
    """
    check_fit(fit)
    scorer = model if isinstance(model, VariantScorer) else VariantScorer(model)
    alleles = ((v, alt) for v in variants for alt in v.alts or (None,))
    # Half a batch of alternatives, each with its reference.
    while chunk := list(itertools.islice(alleles, max(1, scorer.batch_size // 2))):
        found = [_try_windows(v, alt, genome, scorer.length, fit) for v, alt in chunk]
        pairs = [each for each in found if isinstance(each, AlleleWindows)]
        rows = zip(*scorer.score(pairs), strict=True)
        nothing = np.full(scorer.targets, np.nan)
        for (variant, alt), each in zip(chunk, found, strict=True):
            if isinstance(each, UnscoredError):
                why = each.reason, str(each), False
                yield VariantEffect(variant, alt, *why, nothing, nothing, nothing)
            else:
                yield VariantEffect(variant, alt, None, "", each.padded, *next(rows))


def _try_windows(*args: object) -> AlleleWindows | UnscoredError:
    try:
        return allele_windows(*args)
    except UnscoredError as error:
        return error


def _check_options(strands: str, n_value: float, batch_size: int) -> None:
    if strands not in STRANDS:
        raise ValueError(
            f"`strands` must be one of {', '.join(STRANDS)}. Received: {strands!r}"
        )
    if not 0 <= n_value <= 1:
        raise ValueError(f"`n_value` must be from 0 to 1. Received: {n_value}")
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")


def _settle_length(model: keras.Model, length: int | None) -> int:
    shape = model.input_shape
    fits = isinstance(shape, tuple) and len(shape) == 3 and shape[-1] == len(BASES)
    if not fits or len(model.output_shape) != 2:
        raise ValueError(
            "`model` must take (batch, length, 4) and give (batch, targets). Received: "
            f"{model.name!r} from {shape} to {model.output_shape}"
        )
    known = shape[1]
    if known is None and length is None:
        raise ValueError(
            f"`length` must say how long the windows are, for {model.name!r} takes any"
        )
    if length is not None and (length < 1 or known not in (None, length)):
        raise ValueError(
            f"`length` must be {known or 'at least 1'} for {model.name!r}. "
            f"Received: {length}"
        )
    return known or length


def _log_sigmoid(logits: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0, -logits)


def _log_odds_of(values: np.ndarray) -> np.ndarray:
    outside = ~((values >= -_LEAST) & (values <= 1 + _LEAST))
    if outside.any():
        raise ValueError(
            "`model` must give probabilities from 0 to 1, as a last sigmoid or softmax "
            f"does. Received: {values[outside][0]}"
        )
    values = np.clip(values, _LEAST, 1 - _LEAST)
    return np.log(values) - np.log1p(-values)
