"""Strand symmetry: reverse complements of tensors, windows, audits of models."""

from rckeras.symmetry.audit import audit_strand_symmetry
from rckeras.symmetry.conjoined import conjoin, pair_strands
from rckeras.symmetry.consistency import StrandConsistency
from rckeras.symmetry.report import LayerSymmetry, StrandReport
from rckeras.symmetry.strands import (
    join_strands,
    reverse_complement,
    split_strands,
)

__all__ = [
    "LayerSymmetry",
    "StrandConsistency",
    "StrandReport",
    "audit_strand_symmetry",
    "conjoin",
    "join_strands",
    "pair_strands",
    "reverse_complement",
    "split_strands",
]
