"""Base codes: one byte a base, the compact form in which sequences are kept.

A, C, G, T are 0, 1, 2, 3, so that a base and its complement sum up to 3. N and the
other IUPAC ambiguity codes are 4, as in the one-hot form, which tells them apart no
better.
"""

from collections.abc import Sequence

import numpy as np

from rckeras.sequence.alphabet import (
    AMBIGUOUS,
    BASES,
    both_cases,
    letters_of,
    look_up,
    one_hot_rows,
)

N_CODE = 4

_CODES = np.full(256, N_CODE, dtype=np.uint8)
for _code, _letters in enumerate(("A", "C", "G", "TU")):
    _CODES[list(both_cases(_letters))] = _code
_LETTERS = np.frombuffer((BASES + AMBIGUOUS[0]).encode("ascii"), dtype=np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, N_CODE], dtype=np.uint8)


def base_codes(
    sequences: str | bytes | Sequence[str] | Sequence[bytes],
) -> np.ndarray:
    """Encodes DNA with one byte a base: A, C, G, T as 0 to 3, anything unknown as 4.

    Args:
        sequences: One sequence, or a list or 1D array of sequences of equal
            length. Lower case is read as upper case and U as T.

    Returns:
        `uint8` array of shape `(length,)` for one sequence, `(sequences, length)`
        for a list.

    Raises:
        ValueError: If a sequence holds another character (a gap, a digit, a
            space), the lengths differ or the list is empty.
        TypeError: If a sequence is neither `str` nor `bytes`.

    Example:

    >>> base_codes("ACgtN").tolist()
    [0, 1, 2, 3, 4]
    """
    return look_up(_CODES, letters_of(sequences))


def codes_to_letters(codes: np.ndarray) -> str | list[str]:
    """Reads the letters back from base codes.

    Args:
        codes: Integer array of shape `(length,)` or `(sequences, length)`.

    Returns:
        A string for one axis, a list of strings for two.

    Raises:
        ValueError: If `codes` has other axes, or numbers other than 0 to 4.

    Example:

    >>> codes_to_letters(base_codes("acgtR"))
    'ACGTN'
    """
    codes = check_codes(codes)
    letters = look_up(_LETTERS, codes)
    if codes.ndim == 1:
        return letters.tobytes().decode("ascii")
    return [row.tobytes().decode("ascii") for row in letters]


def codes_to_one_hot(
    codes: np.ndarray, dtype: str | np.dtype = "float32", n_value: float = 0.0
) -> np.ndarray:
    """Turns base codes into rows of four numbers, in the order A, C, G, T.

    Args:
        codes: Array of numbers from 0 to 4.
        dtype: Type of the numbers.
        n_value: Number from 0 to 1 that stands four times for N; other than 0 needs
            a floating `dtype`.

    Returns:
        Array of the shape of `codes` with a last axis of length 4.

    Raises:
        ValueError: If `n_value` does not fit `dtype`.
        IndexError: If a code is not from 0 to 4.

    Example:

    >>> codes_to_one_hot(base_codes("AN"), n_value=0.25).tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]
    """
    rows = one_hot_rows(np.dtype(dtype), n_value)[[*(BASES + AMBIGUOUS[0]).encode()]]
    return look_up(rows, codes)


def reverse_complement_codes(codes: np.ndarray) -> np.ndarray:
    """The other strand of each sequence, read in its own direction.

    Args:
        codes: Array of numbers from 0 to 4, positions on the last axis.

    Returns:
        New array of the same shape.

    Raises:
        IndexError: If a code is not from 0 to 4.

    Example:

    >>> codes_to_letters(reverse_complement_codes(base_codes("AACGN")))
    'NCGTT'
    """
    return look_up(_COMPLEMENT, np.asarray(codes)[..., ::-1])


def check_codes(codes: np.ndarray) -> np.ndarray:
    """Checks that an array holds base codes of one or of many sequences.

    Args:
        codes: Integer array of shape `(length,)` or `(sequences, length)`.

    Returns:
        The array.

    Raises:
        ValueError: If `codes` has other axes, is not of integers, or holds numbers
            other than 0 to 4.
    """
    codes = np.asarray(codes)
    if codes.ndim not in (1, 2) or codes.dtype.kind not in "iu":
        raise ValueError(
            "`codes` must be integers of the shape (length,) or (sequences, length). "
            f"Received: shape {codes.shape}, dtype {codes.dtype}"
        )
    if codes.size and not 0 <= codes.min() <= codes.max() <= N_CODE:
        raise ValueError(
            "`codes` must be from 0 to 4 (A, C, G, T, N). "
            f"Received: {codes.min()} to {codes.max()}"
        )
    return codes
