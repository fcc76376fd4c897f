"""Strand symmetry: reverse complements of tensors, windows, audits of models."""

from rckeras.symmetry.audit import StrandReport, audit_strand_symmetry
from rckeras.symmetry.strands import (
    join_strands,
    reverse_complement,
    split_strands,
)

__all__ = [
    "StrandReport",
    "audit_strand_symmetry",
    "join_strands",
    "reverse_complement",
    "split_strands",
]
