"""Which sliding windows look the same from both strands.

A convolution or a pool places windows of effective width
`e = (size - 1) * dilation_rate + 1` every `strides` positions. Seen from the other
end, they must lie on the same positions:

- `"valid"`: iff `(length - e) % strides == 0`, so that nothing is left over.
- `"same"`: iff the padding `(ceil(length / strides) - 1) * strides + e - length` is
  even and not negative, so that both ends receive the same share.
"""

from collections.abc import Callable

MAX_SEARCH = 10_000


def padding_surplus(
    length: int, size: int, strides: int, padding: str, dilation_rate: int = 1
) -> int:
    """Positions by which the two ends are treated differently; 0 if symmetric."""
    effective = (size - 1) * dilation_rate + 1
    if padding == "valid":
        return (length - effective) % strides
    total = (-(-length // strides) - 1) * strides + effective - length
    return -total if total < 0 else total % 2


def output_length(
    length: int, size: int, strides: int, padding: str, dilation_rate: int = 1
) -> int:
    """Number of windows; zero or negative if the input is too short."""
    if padding == "same":
        return -(-length // strides)
    return (length - (size - 1) * dilation_rate - 1) // strides + 1


def nearest(
    length: int, is_good: Callable[[int], bool]
) -> tuple[int | None, int | None]:
    """Nearest lengths below and above `length` for which `is_good(length)` holds."""
    below = next((n for n in range(length - 1, 0, -1) if is_good(n)), None)
    above = next(
        (n for n in range(length + 1, length + MAX_SEARCH) if is_good(n)), None
    )
    return below, above


def describe_lengths(below: int | None, above: int | None) -> str:
    """Lengths found by `nearest`, as words."""
    found = [str(n) for n in (below, above) if n is not None]
    return " or ".join(found) if found else "none within reach"


def asymmetry(
    length: int | None,
    size: int,
    strides: int = 1,
    padding: str = "valid",
    dilation_rate: int = 1,
) -> str | None:
    """Say why windows differ between the strands, and what would work.

    Args:
        length: Positions of the input, or `None` where it is not known.
        size: Width of the window.
        strides: Positions between windows.
        padding: `"valid"` or `"same"`.
        dilation_rate: Positions between the taps of a window.

    Returns:
        `None` if the windows are symmetric, for every length where it is not known;
        otherwise a sentence.
    """
    effective = (size - 1) * dilation_rate + 1
    if padding == "same" and strides == 1:
        if effective % 2:
            return None
        return (
            f"padding='same' with an even effective width of {effective} pads one "
            "position more on the right than on the left; use an odd width or "
            "padding='valid'"
        )
    if length is None:
        if strides == 1:
            return None
        return (
            f"with strides={strides} the symmetry depends on the length, which is not "
            "known here; give the input a fixed length or use strides=1"
        )

    def surplus(n: int) -> int:
        return padding_surplus(n, size, strides, padding, dilation_rate)

    if not surplus(length):
        return None
    smallest = effective if padding == "valid" else 1
    lengths = nearest(length, lambda n: n >= smallest and not surplus(n))
    return (
        f"windows of {effective} every {strides} with padding='{padding}' leave "
        f"{surplus(length)} of {length} positions to one end only; a length of "
        f"{describe_lengths(*lengths)} would be symmetric"
    )
