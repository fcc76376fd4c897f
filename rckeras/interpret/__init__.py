"""What networks say beyond their answer: uncertainty by Monte Carlo dropout."""

from rckeras.interpret.monte_carlo import (
    MonteCarloPredictor,
    fix_dropout,
    predict_mc,
    redraw_dropout,
    without_dropout,
)

__all__ = [
    "MonteCarloPredictor",
    "fix_dropout",
    "predict_mc",
    "redraw_dropout",
    "without_dropout",
]
