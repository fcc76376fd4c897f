"""Motifs of proteins that bind DNA: where to get them, and where they occur."""

from rckeras.motifs.encode import load_encode_motifs
from rckeras.motifs.filters import filters_to_motifs
from rckeras.motifs.jaspar import fetch_jaspar, fetch_jaspar_collection
from rckeras.motifs.matching import Match, Matches, match_motifs
from rckeras.motifs.meme import read_jaspar, read_meme, write_jaspar, write_meme
from rckeras.motifs.motif import Motif
from rckeras.motifs.scan import best_scores

__all__ = [
    "Match",
    "Matches",
    "Motif",
    "best_scores",
    "fetch_jaspar",
    "fetch_jaspar_collection",
    "filters_to_motifs",
    "load_encode_motifs",
    "match_motifs",
    "read_jaspar",
    "read_meme",
    "write_jaspar",
    "write_meme",
]
