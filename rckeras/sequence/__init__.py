"""DNA sequences as strings and as arrays."""

from rckeras.sequence.alphabet import (
    count_ambiguous,
    one_hot_decode,
    one_hot_encode,
    reverse_complement_string,
)
from rckeras.sequence.codes import (
    base_codes,
    codes_to_letters,
    codes_to_one_hot,
    reverse_complement_codes,
)
from rckeras.sequence.shuffle import dinucleotide_shuffle

__all__ = [
    "base_codes",
    "codes_to_letters",
    "codes_to_one_hot",
    "count_ambiguous",
    "dinucleotide_shuffle",
    "one_hot_decode",
    "one_hot_encode",
    "reverse_complement_codes",
    "reverse_complement_string",
]
