"""Reverse-complement layers and tools for regulatory genomics, on Keras 3.

Importing this package registers every layer, activation and initializer, so that
`keras.saving.load_model` finds them in saved files.
"""

from rckeras import activations, initializers, layers
from rckeras.symmetry import (
    StrandConsistency,
    audit_strand_symmetry,
    conjoin,
    reverse_complement,
)

__version__ = "0.1.0"

__all__ = [
    "StrandConsistency",
    "activations",
    "audit_strand_symmetry",
    "conjoin",
    "initializers",
    "layers",
    "reverse_complement",
]
