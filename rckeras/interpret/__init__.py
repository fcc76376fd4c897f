"""What networks say beyond their answer: what they look at, and how sure they are."""

from rckeras.interpret.alleles import AlleleWindows, UnscoredError, allele_windows
from rckeras.interpret.attributions import (
    Attributor,
    gradient_times_input,
    in_silico_mutagenesis,
    integrated_gradients,
    strongest_window,
)
from rckeras.interpret.filter_scores import (
    FilterScores,
    centred_filters,
    score_filters,
)
from rckeras.interpret.gradients import GradientFunction, input_gradients
from rckeras.interpret.logits import logit_model
from rckeras.interpret.monte_carlo import (
    MonteCarloPredictor,
    fix_dropout,
    predict_mc,
    redraw_dropout,
    without_dropout,
)
from rckeras.interpret.projections import Closeness, MotifMap, map_motifs
from rckeras.interpret.strand_scatter import draw_strands
from rckeras.interpret.tracks import signals_of
from rckeras.interpret.uncertainty import (
    CalibrationCurve,
    RejectionCurve,
    calibration_curve,
    draw_calibration,
    draw_rejection,
    rejection_curve,
)
from rckeras.interpret.variants import (
    VariantEffect,
    VariantScorer,
    score_variants,
)

__all__ = [
    "AlleleWindows",
    "Attributor",
    "CalibrationCurve",
    "Closeness",
    "FilterScores",
    "GradientFunction",
    "MonteCarloPredictor",
    "MotifMap",
    "RejectionCurve",
    "UnscoredError",
    "VariantEffect",
    "VariantScorer",
    "allele_windows",
    "calibration_curve",
    "centred_filters",
    "draw_calibration",
    "draw_rejection",
    "draw_strands",
    "fix_dropout",
    "gradient_times_input",
    "in_silico_mutagenesis",
    "input_gradients",
    "integrated_gradients",
    "logit_model",
    "map_motifs",
    "predict_mc",
    "redraw_dropout",
    "rejection_curve",
    "score_filters",
    "score_variants",
    "signals_of",
    "strongest_window",
    "without_dropout",
]
