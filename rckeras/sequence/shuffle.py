"""Shuffled sequences that keep the counts of all dinucleotides.

A sequence is a walk over its letters, each pair of neighbours a step. The walks that
take the same steps in another order are the Euler paths of the graph of these steps,
and start and end at the same letters. One of them, drawn uniformly (Altschul and
Erickson 1985):

1. For each letter but the final one, choose the last step that leaves it, so that
   these steps lead from every letter to the final one: a tree, drawn with a
   probability proportional to the product of the counts of its steps.
2. Put the other steps from each letter in random order.
3. Walk: leave each letter by its next step.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from rckeras.sequence.alphabet import join_letters, listed
from rckeras.sequence.codes import N_CODE, base_codes, check_codes, codes_to_letters

_LETTERS = N_CODE + 1
_CHUNK = 1 << 20  # letters at a time

# Fields of a step's sorting key: letter it leaves, whether last, chance, letter it
# reaches.
_FROM, _LAST = np.uint64(61), np.uint64(1 << 60)
_CHANCE, _TO = np.uint64((1 << 60) - 8), np.uint64(7)


def dinucleotide_shuffle(
    sequences: str | Sequence[str] | np.ndarray,
    seed: int | np.random.Generator = 0,
) -> str | list[str] | np.ndarray:
    """Shuffles sequences, keeping how often each letter follows each other one.

    A shuffle is drawn uniformly from all sequences with the same counts of
    dinucleotides and the same first and last letter. N counts as a fifth letter: a run
    of N at one end, as from padding, stays there, while runs at both ends remain two
    runs of the same sum.

    Args:
        sequences: One sequence, a list of sequences of any lengths, or base codes of
            shape `(length,)` or `(sequences, length)`. In strings, lower case is read
            as upper case, U as T, and the other IUPAC ambiguity codes as N.
        seed: Integer, or generator, that determines the shuffles. Each depends on
            its sequence, on that one's place in the list, and on the seed, but not on
            the other sequences.

    Returns:
        The shuffled sequences, as a string, a list or an array as was received. To
        shuffle a sequence several times, repeat it in the list.

    Raises:
        ValueError: If a sequence holds another character, a code is not from 0 to 4,
            or the list is empty.
        TypeError: If a sequence is no string.

    Reference:
        Altschul and Erickson (1985), Significance of nucleotide sequence alignments:
        a method for random sequence permutation that preserves dinucleotide and
        codon usage, Mol. Biol. Evol. 2, 526.

    Example:

    >>> dinucleotide_shuffle("ACGTTGCAAGCTTACG")
    '...'
    >>> dinucleotide_shuffle(["CATAC", "AAAAA"])
    ['...', 'AAAAA']
    """
    rng = np.random.default_rng(seed)
    if isinstance(sequences, np.ndarray) and sequences.dtype.kind in "iu":
        codes = check_codes(sequences)
        lengths = np.full(codes.size // max(1, codes.shape[-1]), codes.shape[-1])
        return _shuffle(codes.reshape(-1), lengths, rng).reshape(codes.shape)
    if isinstance(sequences, str | bytes):
        return dinucleotide_shuffle([sequences], rng)[0]
    batch = listed(sequences)
    codes = base_codes(join_letters(batch))
    lengths = np.array([len(sequence) for sequence in batch], dtype=np.int64)
    letters = codes_to_letters(_shuffle(codes, lengths, rng))
    ends = np.cumsum(lengths).tolist()
    return [letters[a:b] for a, b in itertools.pairwise([0, *ends])]


def _shuffle(
    codes: np.ndarray, lengths: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Shuffles sequences that stand one after another in one array."""
    states = rng.integers(1 << 64, size=len(lengths), dtype=np.uint64)
    starts = np.cumsum(lengths) - lengths
    shuffled = codes.astype(np.uint8)
    for rows in _chunks(lengths):
        positions = np.arange(lengths[rows[-1]])
        inside = positions < lengths[rows, None]
        index = starts[rows, None] + np.where(inside, positions, 0)
        drawn = _shuffle_chunk(shuffled[index], lengths[rows], states[rows])
        shuffled[index[inside]] = drawn[inside]
    return shuffled


def _chunks(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of like lengths, the longest last; those that cannot change are left out."""
    rows = np.argsort(lengths, kind="stable")
    rows = rows[lengths[rows] > 3]
    while rows.size:
        letters = lengths[rows] * np.arange(1, len(rows) + 1)
        count = max(1, np.searchsorted(letters, _CHUNK))
        yield rows[:count]
        rows = rows[count:]


def _shuffle_chunk(
    codes: np.ndarray, lengths: np.ndarray, states: np.ndarray
) -> np.ndarray:
    """Shuffles the first letters, as many as `lengths` has, of each row."""
    source, target = codes[:, :-1], codes[:, 1:]
    inside = np.arange(1, codes.shape[1]) < lengths[:, None]
    chance = _random_bits(states, codes.shape[1])
    counts = _count_steps(source, target, inside)
    final = codes[np.arange(len(codes)), lengths - 1]
    last = _draw_last_steps(counts, final, chance[:, 0])
    keys = chance[:, 1:] & _CHANCE
    keys |= source.astype(np.uint64) << _FROM
    keys |= target
    _mark_last_steps(keys, source, target, last, final)
    keys[~inside] = ~_TO  # beyond all others, and to a letter that exists
    keys.sort(axis=-1)
    return _walk((keys & _TO).astype(np.intp), counts.sum(axis=-1), codes[:, 0])


def _random_bits(states: np.ndarray, count: int) -> np.ndarray:
    """Numbers of 64 random bits, `count` from each of many generators.

    Reference:
        Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators,
        figure 13: SplitMix64, here with its usual constants.
    """
    steps = np.arange(1, count + 1, dtype=np.uint64)
    bits = states[:, None] + steps * np.uint64(0x9E3779B97F4A7C15)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def _count_steps(
    source: np.ndarray, target: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """Steps from each letter to each letter, shape `(sequences, 5, 5)`."""
    pairs = _LETTERS**2
    bins = len(source) * pairs
    index = np.arange(0, bins, pairs)[:, None] + (source * _LETTERS + target)
    index[~inside] = bins
    counts = np.bincount(index.reshape(-1), minlength=bins + 1)[:bins]
    return counts.reshape(-1, _LETTERS, _LETTERS)


def _draw_last_steps(
    counts: np.ndarray, final: np.ndarray, bits: np.ndarray
) -> np.ndarray:
    """Where the last step from each letter leads, shape `(sequences, 5)`."""
    weights = counts.astype(np.float64)
    # A letter that does not occur may hang on the final one: it changes no chance.
    absent, letter = np.nonzero(counts.sum(axis=-1) == 0)
    weights[absent, letter, final[absent]] = 1
    last = np.empty((len(counts), _LETTERS), dtype=np.uint8)
    for root in range(_LETTERS):
        rows = np.flatnonzero(final == root)
        trees = _trees(root)
        products = np.ones((len(rows), len(trees)))
        for letter in range(_LETTERS):
            if letter != root:
                products *= weights[rows, letter].take(trees[:, letter], axis=1)
        sums = products.cumsum(axis=1)
        # 32 bits: with 53 the product could be rounded up to the sum itself.
        drawn = (bits[rows] >> np.uint64(32)) * 2.0**-32 * sums[:, -1]
        last[rows] = trees[(sums > drawn[:, None]).argmax(axis=1)]
    return last


@functools.cache
def _trees(root: int) -> np.ndarray:
    """All trees over the letters, shape `(125, 5)`: the next letter towards `root`."""
    maps = np.array(list(itertools.product(range(_LETTERS), repeat=_LETTERS)))
    maps = maps[maps[:, root] == root]
    reached = maps
    for _ in range(_LETTERS):
        reached = np.take_along_axis(maps, reached, axis=1)
    return maps[(reached == root).all(axis=1)]


def _mark_last_steps(
    keys: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    last: np.ndarray,
    final: np.ndarray,
) -> None:
    """Makes one step from each letter, to where `last` says, sort behind the others."""
    rows = np.arange(len(keys))
    for letter in range(_LETTERS):
        fits = (source == letter) & (target == last[:, letter, None])
        first = fits.argmax(axis=1)
        marked = rows[fits[rows, first] & (final != letter)]
        keys[marked, first[marked]] |= _LAST


def _walk(targets: np.ndarray, steps: np.ndarray, letter: np.ndarray) -> np.ndarray:
    """Follows the steps, sorted by the letter that they leave.

    Args:
        targets: Letters that the steps reach, shape `(sequences, length - 1)`.
        steps: How many steps leave each letter, shape `(sequences, 5)`.
        letter: First letter of each sequence.

    Returns:
        Letters in order, shape `(sequences, length)`.
    """
    count, length = len(targets), targets.shape[1] + 1
    rows = np.arange(count)
    offsets = rows[:, None] * (length - 1)
    following = (offsets + steps.cumsum(axis=1) - steps).reshape(-1)
    targets = targets.reshape(-1)
    walked = np.empty((length, count), dtype=np.uint8)
    rows *= _LETTERS
    for position in range(length - 1):
        walked[position] = letter
        place = rows + letter
        step = following[place]
        following[place] = step + 1
        # A walk that has ended goes on among the steps of others, unheeded.
        letter = targets.take(step, mode="clip")
    walked[-1] = letter
    return walked.T
