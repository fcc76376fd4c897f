"""AUROC and AUPRC while a network is trained."""

from typing import Any

import keras


class MeanAUC(keras.metrics.AUC):
    """Mean area under the curves of those targets that have positives and negatives.

    `keras.metrics.AUC` counts the others as 0, or 1, and of hundreds of targets some
    are others in any small split for validation.

    Args:
        targets: Number of targets.
        **arguments: Arguments of `keras.metrics.AUC`.

    Example:

    >>> metric = MeanAUC(2)
    >>> y = np.array([[0, 0], [1, 0]])
    >>> metric.update_state(y, np.array([[0.1, 0.3], [0.9, 0.2]]))
    >>> float(metric.result())
    1.0
    """

    def __init__(self, targets: int, **arguments: Any):
        super().__init__(multi_label=targets > 1, **arguments)

    def result(self) -> Any:
        """The mean; Keras calls this."""
        if not self.multi_label:
            return super().result()
        # At any threshold positives are found or missed; here at the first one.
        positives = self.true_positives[0] + self.false_negatives[0]
        negatives = self.false_positives[0] + self.true_negatives[0]
        both = keras.ops.logical_and(positives > 0, negatives > 0)
        self.label_weights = keras.ops.cast(both, positives.dtype)
        try:
            return super().result()
        finally:
            self.label_weights = None  # of one trace of a function, and for no other
