"""Named networks of regulatory genomics, their cards and their weights.

Importing this package costs little: Keras is imported when a network is built.
"""

from zoo.checking import check
from zoo.learning import TrainingSettings
from zoo.loading import build, load
from zoo.prediction import predict_file
from zoo.registry import Card, describe, list_models
from zoo.training import train

__all__ = [
    "Card",
    "TrainingSettings",
    "build",
    "check",
    "describe",
    "list_models",
    "load",
    "predict_file",
    "train",
]
