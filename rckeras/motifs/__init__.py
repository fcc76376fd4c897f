"""Motifs of proteins that bind DNA: where to get them, and where they occur."""

from rckeras.motifs.encode import load_encode_motifs
from rckeras.motifs.jaspar import fetch_jaspar
from rckeras.motifs.motif import Motif
from rckeras.motifs.scan import best_scores

__all__ = ["Motif", "best_scores", "fetch_jaspar", "load_encode_motifs"]
