"""The scatter of both strands' predictions."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from rckeras import reverse_complement
from rckeras.interpret import draw_strands
from rckeras.layers import MonteCarloDropout


def test_points_are_the_predictions_for_both_strands():
    dropped = MonteCarloDropout(0.5)
    ends = [layers.Flatten(), dropped, layers.Dense(2, "sigmoid")]
    model = keras.Sequential([keras.Input((9, 4)), *ends], name="small")
    plain = keras.Sequential([keras.Input((9, 4)), ends[0], ends[2]])
    x = np.eye(4)[np.random.default_rng(0).integers(4, size=(7, 9))]
    axes = draw_strands(model, x, target=1, batch_size=3)
    points = np.transpose(axes.lines[-1].get_data())
    expected = [
        plain.predict(each, verbose=0)[:, 1] for each in (x, reverse_complement(x))
    ]
    np.testing.assert_allclose(points, np.transpose(expected), atol=1e-6)
    correlation = np.corrcoef(expected)[0, 1]
    title = axes.get_title()
    assert title.startswith("small\n")
    assert float(re.search(r"correlation (-?[\d.]+),", title)[1]) == pytest.approx(
        correlation, abs=1e-3
    )
    assert axes.get_xlabel() == "Forward strand"
    with pytest.raises(ValueError, match="Received: 2"):
        draw_strands(model, x, target=2)
