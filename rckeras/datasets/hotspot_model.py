r"""A hidden Markov model that tells hotspots of recombination from the rest.

Two states, not hot and hot. In state $s$ the rate $r$ between two neighbouring markers
is exponential, $p(r \mid s) = e^{-r / \mu_s} / \mu_s$, and the state may change at
every marker. A path of states scores the logarithm of its probability; all that
decides between two paths is the difference $d_t$ of the best scores of the paths that
end hot and of those that end not hot, so Viterbi's recursion is

$$d_t = \log\frac{p(r_t \mid h)}{p(r_t \mid n)}
    + \max(d_{t-1} + a_{hh}, a_{nh}) - \max(d_{t-1} + a_{hn}, a_{nn})$$

with the logarithms $a$ of the transition probabilities. By default both states have the
same ones, set by hand and not trained, so that the chain is in truth a mixture in which
each stretch is judged on its own; `train_hotspot_model` says why.
"""

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rckeras.io.rate_map import RateMap
from rckeras.progress import progress_bar

HOT_PROBABILITY = 0.01

_FIRST_TRANSITIONS = ((0.99, 0.01), (0.1, 0.9))
_FIRST_HOT = 0.1  # share of the stretches that are hot in the first guess
_LEAST_MEAN = 1e-9  # cM/Mb; a map may be all zeros outside its hotspots
_MOST_ROUNDS = 500

Transitions = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class HotspotModel:
    """A two-state hidden Markov model of recombination rates.

    Args:
        cold_mean: Mean rate of a stretch that is not hot, cM/Mb.
        hot_mean: Mean rate of a hot stretch, cM/Mb.
        transitions: Probabilities `((not hot to not hot, not hot to hot), (hot to not
            hot, hot to hot))`. The first state is hot as often as states are in the
            long run.

    Raises:
        ValueError: If the means are not positive and in order, or a row of transitions
            is not of two positive numbers that sum to 1.

    Example:

    >>> model = HotspotModel(0.5, 20.0, ((0.9, 0.1), (0.2, 0.8)))
    >>> model.segment([0.1, 0.2, 30.0, 5.0, 25.0, 0.3]).tolist()
    [False, False, True, True, True, False]
    """

    cold_mean: float
    hot_mean: float
    transitions: Transitions

    def __post_init__(self):
        if not 0 < self.cold_mean < self.hot_mean < np.inf:
            raise ValueError(
                "`cold_mean` and `hot_mean` must be positive, the hot one larger. "
                f"Received: {self.cold_mean}, {self.hot_mean}"
            )
        rows = np.asarray(self.transitions, dtype=float)
        if rows.shape != (2, 2) or (rows <= 0).any() or not np.allclose(rows.sum(1), 1):
            raise ValueError(
                "`transitions` must be two rows of two positive probabilities that sum "
                f"to 1. Received: {self.transitions}"
            )

    def segment(self, rates: np.ndarray) -> np.ndarray:
        """The most likely states of stretches that follow each other.

        Args:
            rates: Rates in cM/Mb, of shape `(stretches,)`.

        Returns:
            Boolean array of shape `(stretches,)`: `True` where hot. Between states
            that are equally likely, not hot.
        """
        rates = np.asarray(rates, dtype=float)
        gains = np.log(self.cold_mean / self.hot_mean) + rates * (
            1 / self.cold_mean - 1 / self.hot_mean
        )
        (nn, nh), (hn, hh) = np.log(self.transitions).tolist()
        first, *others = gains.tolist()
        first += nh - hn  # how often states are hot in the long run, or not
        leads = itertools.accumulate(
            others,
            lambda lead, gain: gain + max(lead + hh, nh) - max(lead + hn, nn),
            initial=first,
        )
        leads = np.fromiter(leads, float, len(rates))
        # What each state was most likely before, if it is hot next or not.
        before_hot = (leads + hh > nh).tolist()
        before_cold = (leads + hn > nn).tolist()
        hot = bool(leads[-1] > 0)
        states = [hot]
        for step in range(len(rates) - 2, -1, -1):
            hot = before_hot[step] if hot else before_cold[step]
            states.append(hot)
        return np.array(states[::-1])

    def as_dict(self) -> dict[str, Any]:
        """The parameters, as JSON can hold them."""
        return {**asdict(self), "transitions": list(map(list, self.transitions))}


def train_hotspot_model(
    maps: Iterable[RateMap],
    *,
    hot_probability: float | None = HOT_PROBABILITY,
    progress: bool = False,
) -> HotspotModel:
    """Sets the parameters of the model by Viterbi training.

    From a first guess, in which the tenth of the stretches with the highest rates is
    hot, the most likely states and then the means (and transitions) in these states
    are found in turn, until the states stay the same. Nothing is random.

    Args:
        maps: Maps of chromosomes, which are segmented one by one.
        hot_probability: Probability that a stretch is hot, whatever the one before it;
            only the means are trained. `None` trains the transitions too, from one
            count added to each.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: If `hot_probability` is not between 0 and 1, there is no map, or
            the rates do not fall into two kinds.

    Reference: Brown and Lunter 2018, section 3.1. They do not say what the transition
    probabilities were; their hotspots have a median length of 2,448 bases and, the
    regions they make up, a median rate of 10.5 cM/Mb. Measured on HapMap II's map of
    chromosomes 1 and 22 (lifted to GRCh38; a tenth of the genome's stretches):

    | | median length | median rate of hotspots, of stretches |
    |---|---|---|
    | default | 2,365 | 10.3, 10.9 |
    | transitions trained too | 4,259 | 3.0, 2.0 |
    | the same in bins of 1,000 bases | 9,000 | 2.5, 1.6 |
    | the same in bins of 200 bases | 4,000 | 1.9, 1.6 |

    So stretches between markers are segmented as they are, and the state after a marker
    does not depend on the state before it: the model is a mixture, in which a stretch
    is hot from about 5 cM/Mb on. Of hotspots under 4 kb there are about twice as many
    as in the paper.
    """
    rates = [each.rate for each in maps]
    if hot_probability is not None and not 0 < hot_probability < 1:
        raise ValueError(
            "`hot_probability` must be between 0 and 1, or None. "
            f"Received: {hot_probability}"
        )
    if not rates:
        raise ValueError("`maps` must hold a map at least. Received: none")
    fixed = None
    if hot_probability is not None:
        fixed = ((1 - hot_probability, hot_probability),) * 2
    joined = np.concatenate(rates)
    states = [each > np.quantile(joined, 1 - _FIRST_HOT) for each in rates]
    model = _fit(rates, states, fixed or _FIRST_TRANSITIONS)
    with progress_bar(None, "training", progress) as advance:
        for _ in range(_MOST_ROUNDS):
            before, states = states, [model.segment(each) for each in rates]
            if all(map(np.array_equal, states, before)):
                break
            model = _fit(rates, states, fixed or _count_transitions(states))
            advance(1)
    return model


def _fit(
    rates: list[np.ndarray], states: list[np.ndarray], transitions: Transitions
) -> HotspotModel:
    """The model with the means of the rates in each state."""
    joined, hot = np.concatenate(rates), np.concatenate(states)
    if hot.all() or not hot.any():
        raise ValueError(
            f"the rates of the {len(hot)} stretches do not fall into hot and not hot: "
            f"all become {'hot' if hot.any() else 'not hot'}. They are from "
            f"{joined.min():g} to {joined.max():g} cM/Mb"
        )
    means = (max(float(joined[each].mean()), _LEAST_MEAN) for each in (~hot, hot))
    return HotspotModel(*means, transitions)


def _count_transitions(states: list[np.ndarray]) -> Transitions:
    counts = np.ones((2, 2))  # one each, so that no probability is 0
    for hot in states:
        np.add.at(counts, (hot[:-1].astype(int), hot[1:].astype(int)), 1)
    rows = counts / counts.sum(axis=1, keepdims=True)
    return tuple(map(tuple, rows.tolist()))
