"""DNA sequences as strings and as arrays."""

from rckeras.sequence.alphabet import (
    count_ambiguous,
    one_hot_decode,
    one_hot_encode,
    reverse_complement_string,
)

__all__ = [
    "count_ambiguous",
    "one_hot_decode",
    "one_hot_encode",
    "reverse_complement_string",
]
