"""Sizes that must hold before a network is built, and the errors that say so.

A stack of unpadded convolutions and pools, written as `(size, stride)` windows, reads
its input as one window: of width `1 + sum((size_i - 1) * stride_1 ... stride_(i-1))`
and of stride `stride_1 * stride_2 * ...`. Shorter inputs leave nothing of it; inputs
that it does not tile to the last base are read further at one end than at the other,
so that no choice of weights treats both strands alike.
"""

from collections.abc import Iterable

Windows = Iterable[tuple[int, int]]


def receptive_field(windows: Windows) -> tuple[int, int]:
    """Width and stride, in bases, of one position behind a stack of windows.

    Args:
        windows: `(size, stride)` of each unpadded convolution or pool, in order.

    Returns:
        `(width, stride)`.

    Example:

    >>> receptive_field([(30, 1), (7, 7), (11, 1), (2, 2)])
    (113, 14)
    """
    width, stride = 1, 1
    for size, step in windows:
        width += (size - 1) * stride
        stride *= step
    return width, stride


def check_length(sequence_length: int, windows: Windows) -> None:
    """Refuse a sequence that is too short for a stack of windows.

    Args:
        sequence_length: Length of the input in bases.
        windows: `(size, stride)` of each unpadded convolution or pool, in order.

    Raises:
        ValueError: If nothing would be left; names the smallest length that works.
    """
    shortest, _ = receptive_field(windows)
    if sequence_length < shortest:
        raise ValueError(
            f"`sequence_length` must be at least {shortest} for the convolutions and "
            f"pools of this network. Received sequence_length={sequence_length}"
        )


def check_symmetric_length(sequence_length: int, windows: Windows) -> None:
    """Refuse a sequence that a stack of windows does not tile to its last base.

    Args:
        sequence_length: Length of the input in bases.
        windows: `(size, stride)` of each unpadded convolution or pool, in order.

    Raises:
        ValueError: If the length is too short, or its two ends are read differently;
            names the nearest lengths that work.
    """
    windows = tuple(windows)
    check_length(sequence_length, windows)
    width, stride = receptive_field(windows)
    unread = (sequence_length - width) % stride
    if unread:
        below = sequence_length - unread
        raise ValueError(
            "`sequence_length` must let the pools of a strand-symmetric network end at "
            f"the last base, as {below} and {below + stride} do. Received "
            f"sequence_length={sequence_length}, which leaves {unread} bases unread"
        )


def half(**channels: int) -> int:
    """Half of an even number of channels: the free filters of a tied convolution.

    Args:
        **channels: One number under its argument's name, as in `half(filters=16)`.

    Returns:
        Half of it.

    Raises:
        ValueError: If the number is odd or not positive.
    """
    ((argument, number),) = channels.items()
    if number < 2 or number % 2:
        raise ValueError(
            f"`{argument}` counts channels, which come in pairs of a filter and its "
            "reverse complement: it must be even, and at least 2. "
            f"Received {argument}={number}"
        )
    return number // 2


def check_one_per_layer(**numbers: tuple) -> None:
    """Refuse tuples that do not have one entry for each layer.

    Args:
        **numbers: The tuples under their arguments' names.

    Raises:
        ValueError: If they differ in length, or are empty.
    """
    if len({len(values) for values in numbers.values()}) != 1 or not all(
        numbers.values()
    ):
        names = ", ".join(f"`{name}`" for name in numbers)
        raise ValueError(
            f"{names} must have one entry for each convolution. Received "
            + ", ".join(f"{name}={values}" for name, values in numbers.items())
        )
