"""Layers that respect the two strands of DNA."""

from rckeras.layers.augmentation import RandomReverseComplement
from rckeras.layers.convolution import RevCompConv1D
from rckeras.layers.dense import DenseAfterRevcomp
from rckeras.layers.dropout import MonteCarloDropout, RevCompDropout
from rckeras.layers.normalization import RevCompBatchNormalization
from rckeras.layers.pooling import (
    RevCompAveragePooling,
    RevCompMaxPooling,
    RevCompSumPooling,
)
from rckeras.layers.projection import Projection1D
from rckeras.layers.recurrent import RevCompBidirectional
from rckeras.layers.weighted_sum import WeightedSum1D

__all__ = [
    "DenseAfterRevcomp",
    "MonteCarloDropout",
    "Projection1D",
    "RandomReverseComplement",
    "RevCompAveragePooling",
    "RevCompBatchNormalization",
    "RevCompBidirectional",
    "RevCompConv1D",
    "RevCompDropout",
    "RevCompMaxPooling",
    "RevCompSumPooling",
    "WeightedSum1D",
]
