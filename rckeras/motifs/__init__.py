"""Motifs of proteins that bind DNA: where to get them, and where they occur."""

from rckeras.motifs.encode import load_encode_motifs
from rckeras.motifs.enrichment import (
    Enrichment,
    EnrichmentTable,
    fisher_test,
    measure_enrichment,
    motif_pattern,
)
from rckeras.motifs.filters import FilterMotif, filters_to_motifs
from rckeras.motifs.jaspar import fetch_jaspar, fetch_jaspar_collection
from rckeras.motifs.logos import draw_gallery, draw_logo
from rckeras.motifs.matching import Match, Matches, match_motifs
from rckeras.motifs.meme import read_jaspar, read_meme, write_jaspar, write_meme
from rckeras.motifs.motif import Motif
from rckeras.motifs.scan import best_scores

__all__ = [
    "Enrichment",
    "EnrichmentTable",
    "FilterMotif",
    "Match",
    "Matches",
    "Motif",
    "best_scores",
    "draw_gallery",
    "draw_logo",
    "fetch_jaspar",
    "fetch_jaspar_collection",
    "filters_to_motifs",
    "fisher_test",
    "load_encode_motifs",
    "match_motifs",
    "measure_enrichment",
    "motif_pattern",
    "read_jaspar",
    "read_meme",
    "write_jaspar",
    "write_meme",
]
