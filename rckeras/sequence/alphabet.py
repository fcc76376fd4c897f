"""DNA letters, their one-hot codes and their complements.

The order of the channels is A, C, G, T, so that the complement of a base is the
reversal of its channels and the reverse complement of an encoded sequence is the
reversal of both of its axes. U is read as T. N and the other IUPAC ambiguity
codes (R, Y, S, W, K, M, B, D, H, V) are encoded alike, by four equal numbers,
which equal their own reversal. Lower case (soft masking) is read as upper case.
"""

import contextlib
import functools
from collections.abc import Sequence
from typing import AnyStr

import numpy as np

BASES = "ACGT"
AMBIGUOUS = "NRYSWKMBDHV"

# What each letter stands for.
IUPAC = {
    **{base: base for base in BASES},
    "U": "T",
    **{"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"},
    **{"B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": BASES},
}

_COMPLEMENTS = ("ACGTUNRYSWKMBDHV", "TGCAANYRSWMKVHDB")


def both_cases(letters: str) -> bytes:
    """The letters, and then the same in lower case, as bytes."""
    return (letters + letters.lower()).encode("ascii")


_VALID = both_cases(BASES + "U" + AMBIGUOUS)
_AMBIGUOUS = both_cases(AMBIGUOUS)
_COMPLEMENT = bytes.maketrans(*map(both_cases, _COMPLEMENTS))
_BLOCK = 1 << 17  # letters looked up at a time
_DECODED = np.frombuffer((BASES + "N").encode("ascii"), dtype=np.uint8)


def one_hot_encode(
    sequences: str | bytes | Sequence[str] | Sequence[bytes],
    dtype: str | np.dtype = "uint8",
    n_value: float = 0.0,
) -> np.ndarray:
    """Encodes DNA as rows of four numbers, in the order A, C, G, T.

    Args:
        sequences: One sequence, or a list or 1D array of sequences of equal
            length. Lower case is read as upper case and U as T.
        dtype: Type of the numbers.
        n_value: Number from 0 to 1 that stands four times for N and for every
            other IUPAC ambiguity code. Common are 0 and 0.25; other than 0 needs
            a floating `dtype`.

    Returns:
        Array of shape `(length, 4)` for one sequence, `(sequences, length, 4)`
        for a list.

    Raises:
        ValueError: If a sequence holds another character (a gap, a digit, a
            space), the lengths differ, the list is empty, or `n_value` does not
            fit `dtype`.
        TypeError: If a sequence is neither `str` nor `bytes`.

    Example:

    >>> one_hot_encode("ACn").tolist()
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    >>> one_hot_encode(["ACGT", "GATC"]).shape
    (2, 4, 4)
    """
    rows = one_hot_rows(np.dtype(dtype), n_value)
    return look_up(rows, letters_of(sequences))


def one_hot_decode(x: np.ndarray) -> str | list[str]:
    """Reads the letters back from one-hot codes or from probabilities.

    Args:
        x: Array of shape `(length, 4)` or `(sequences, length, 4)`, channels in
            the order A, C, G, T.

    Returns:
        A string for two axes, a list of strings for three. Each letter is the one
        with the largest number (the first of them at a tie), or N where all four
        are equal.

    Raises:
        ValueError: If `x` has other axes or other than four channels.

    Example:

    >>> one_hot_decode(one_hot_encode("acgtRn"))
    'ACGTNN'
    """
    x = np.asarray(x)
    if x.ndim not in (2, 3) or x.shape[-1] != 4:
        raise ValueError(
            "`x` must have the shape (length, 4) or (sequences, length, 4). "
            f"Received: shape {x.shape}"
        )
    rows = x.reshape(-1, 4)
    letters = np.empty(len(rows), dtype=np.uint8)
    for start in range(0, len(rows), _BLOCK // 4):
        block = slice(start, start + _BLOCK // 4)
        letters[block] = _DECODED.take(_largest(rows[block]))
    letters = letters.reshape(x.shape[:-1])
    if x.ndim == 2:
        return letters.tobytes().decode("ascii")
    return [row.tobytes().decode("ascii") for row in letters]


def reverse_complement_string(sequence: AnyStr) -> AnyStr:
    """Returns the other strand of a sequence, read in its own direction.

    Args:
        sequence: DNA or RNA letters, IUPAC ambiguity codes included.

    Returns:
        The reverse complement, of the type of `sequence`, case kept. It is
        written as DNA: the complement of U is A, that of A is T.

    Raises:
        ValueError: If `sequence` holds another character.
        TypeError: If `sequence` is neither `str` nor `bytes`.

    Example:

    >>> reverse_complement_string("AAcGR")
    'YCgTT'
    """
    turned = _checked(sequence).translate(_COMPLEMENT)[::-1]
    return turned.decode("ascii") if isinstance(sequence, str) else turned


def count_ambiguous(sequence: str | bytes) -> int:
    """Counts the letters that are encoded as N.

    Args:
        sequence: DNA or RNA letters, IUPAC ambiguity codes included.

    Returns:
        How many letters are N or another ambiguity code.

    Raises:
        ValueError: If `sequence` holds another character.
        TypeError: If `sequence` is neither `str` nor `bytes`.

    Example:

    >>> count_ambiguous("ACNNrT")
    3
    """
    letters = _checked(sequence)
    return len(letters) - len(letters.translate(None, delete=_AMBIGUOUS))


def letters_of(
    sequences: str | bytes | Sequence[str] | Sequence[bytes],
) -> np.ndarray:
    """The checked letters of one sequence, or of a list of equal lengths, as bytes.

    Returns:
        `uint8` array of shape `(length,)` for one sequence, `(sequences, length)`
        for a list.
    """
    if isinstance(sequences, str | bytes):
        return np.frombuffer(_checked(sequences), dtype=np.uint8)
    batch = listed(sequences)
    letters = np.frombuffer(join_letters(batch), dtype=np.uint8)
    _check_lengths(batch)
    return letters.reshape(len(batch), len(batch[0]))


def _largest(rows: np.ndarray) -> np.ndarray:
    """The first channel with the largest number of each row; 4 if all are equal."""
    a, c, g, t = np.ascontiguousarray(rows.T)
    most = np.maximum(np.maximum(a, c), np.maximum(g, t))
    beyond_a = a != most
    beyond_c = beyond_a & (c != most)
    beyond_g = beyond_c & (g != most)
    equal = (a == c) & (a == g) & (a == t)
    steps = beyond_a.view(np.uint8) + beyond_c.view(np.uint8) + beyond_g.view(np.uint8)
    return steps + 4 * equal.view(np.uint8)


def listed(sequences: Sequence[str] | Sequence[bytes]) -> list[str] | list[bytes]:
    """The sequences as a list, which must not be empty."""
    try:
        batch = list(sequences)
    except TypeError:
        raise TypeError(
            "`sequences` must be one `str` or `bytes`, or a list of them. "
            f"Received: {sequences!r} (of type {type(sequences).__name__})"
        ) from None
    if not batch:
        raise ValueError("`sequences` must hold at least one sequence. Received: none")
    return batch


def join_letters(sequences: list[str] | list[bytes]) -> bytes:
    """The checked letters of all sequences, one after another."""
    kinds = set(map(type, sequences))
    for kind in (str, bytes):
        if all(issubclass(each, kind) for each in kinds):
            with contextlib.suppress(ValueError):
                return _checked(kind().join(sequences))
    # One by one, to name the sequence that is wrong.
    return b"".join(_checked(each, index) for index, each in enumerate(sequences))


def look_up(table: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Takes `table[index]`, in blocks that stay in the processor's cache.

    Args:
        table: What stands for each number, along the first axis.
        index: Integers of any shape.

    Returns:
        Array of the shape of `index`, followed by the further axes of `table`.

    Raises:
        IndexError: If a number is negative, or beyond the table.
    """
    index = np.asarray(index)
    if index.dtype.kind == "i" and index.size and index.min() < 0:
        raise IndexError(f"numbers must be from 0. Received: {index.min()}")
    flat = index.reshape(-1)
    out = np.empty((flat.size, *table.shape[1:]), dtype=table.dtype)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        out[block] = table.take(flat[block], axis=0)
    return out.reshape(index.shape + table.shape[1:])


@functools.cache
def one_hot_rows(dtype: np.dtype, n_value: float) -> np.ndarray:
    """The four numbers of every byte, shape `(256, 4)`."""
    if not 0 <= n_value <= 1:
        raise ValueError(f"`n_value` must be from 0 to 1. Received: {n_value}")
    if n_value and dtype.kind in "biu":
        raise ValueError(
            "`n_value` other than 0 needs a floating `dtype` such as 'float32'. "
            f"Received: n_value={n_value}, dtype={dtype.name!r}"
        )
    rows = np.zeros((256, 4), dtype=dtype)
    rows[list(_AMBIGUOUS)] = n_value
    for channel, base in enumerate(("A", "C", "G", "TU")):
        rows[list(both_cases(base)), channel] = 1
    return rows


def _checked(sequence: str | bytes, index: int = 0) -> bytes:
    """The letters as bytes, after a look for characters that are none."""
    if not isinstance(sequence, str | bytes):
        raise TypeError(
            "A sequence must be `str` or `bytes`. Received, as sequence "
            f"{index}: {sequence!r} (of type {type(sequence).__name__})"
        )
    letters = sequence
    if isinstance(sequence, str):
        letters = sequence.encode("ascii", errors="replace")
    wrong = letters.translate(None, delete=_VALID)
    if wrong:
        position = letters.index(wrong[:1])
        raise ValueError(
            "A sequence must be of the letters A, C, G, T, U, N and the IUPAC "
            "codes R, Y, S, W, K, M, B, D, H, V, in either case. Received: "
            f"{sequence[position : position + 1]!r} at position {position} "
            f"(counted from 0) of sequence {index}"
        )
    return letters


def _check_lengths(batch: list[str] | list[bytes]) -> None:
    if len(set(map(len, batch))) == 1:
        return
    length = len(batch[0])
    index = next(i for i, sequence in enumerate(batch) if len(sequence) != length)
    raise ValueError(
        f"`sequences` must be of equal length. Received: {length} letters in "
        f"sequence 0, {len(batch[index])} in sequence {index}"
    )
