"""DNA letters, their one-hot codes and their complements.

The order of the channels is A, C, G, T, so that the complement of a base is the
reversal of its channels and the reverse complement of an encoded sequence is the
reversal of both of its axes. U is read as T. N and the other IUPAC ambiguity
codes (R, Y, S, W, K, M, B, D, H, V) are encoded alike, by four equal numbers,
which equal their own reversal. Lower case (soft masking) is read as upper case.
"""

import functools
from collections.abc import Sequence
from typing import AnyStr

import numpy as np

BASES = "ACGT"
AMBIGUOUS = "NRYSWKMBDHV"

_COMPLEMENTS = ("ACGTUNRYSWKMBDHV", "TGCAANYRSWMKVHDB")


def _both_cases(letters: str) -> bytes:
    return (letters + letters.lower()).encode("ascii")


_VALID = _both_cases(BASES + "U" + AMBIGUOUS)
_AMBIGUOUS = _both_cases(AMBIGUOUS)
_COMPLEMENT = bytes.maketrans(*map(_both_cases, _COMPLEMENTS))
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
    rows = _rows(np.dtype(dtype), n_value)
    if isinstance(sequences, str | bytes):
        letters = np.frombuffer(_checked(sequences), dtype=np.uint8)
        return rows.take(letters, axis=0)
    batch = _checked_batch(sequences)
    letters = np.frombuffer(b"".join(batch), dtype=np.uint8)
    return rows.take(letters, axis=0).reshape(len(batch), len(batch[0]), 4)


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
    codes = np.where((x == x[..., :1]).all(axis=-1), 4, x.argmax(axis=-1))
    letters = _DECODED[codes]
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


@functools.cache
def _rows(dtype: np.dtype, n_value: float) -> np.ndarray:
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
        rows[list(_both_cases(base)), channel] = 1
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


def _checked_batch(sequences: Sequence[str] | Sequence[bytes]) -> list[bytes]:
    """The letters of every sequence, after a look at their lengths."""
    try:
        batch = list(sequences)
    except TypeError:
        raise TypeError(
            "`sequences` must be one `str` or `bytes`, or a list of them. "
            f"Received: {sequences!r} (of type {type(sequences).__name__})"
        ) from None
    if not batch:
        raise ValueError("`sequences` must hold at least one sequence. Received: none")
    batch = [_checked(sequence, index) for index, sequence in enumerate(batch)]
    for index, letters in enumerate(batch):
        if len(letters) != len(batch[0]):
            raise ValueError(
                "`sequences` must be of equal length. Received: "
                f"{len(batch[0])} letters in sequence 0, {len(letters)} in "
                f"sequence {index}"
            )
    return batch
