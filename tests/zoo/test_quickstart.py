"""The quickstart runs as shown."""

import io

import numpy as np
import pytest

import zoo
from zoo import quickstart


@pytest.mark.slow
def test_what_is_shown_runs_and_both_strands_agree(monkeypatch):
    monkeypatch.setattr(zoo.loading, "fetch", None)  # no download
    stream = io.StringIO()
    variables = quickstart.run(stream)
    shown = stream.getvalue()
    compile(shown, "quickstart", "exec")
    assert "largest difference between the strands" in shown
    np.testing.assert_allclose(
        variables["answers"], variables["other_strand"], atol=1e-5
    )
    best = variables["answers"].argmax(axis=1)
    planted = np.arange(len(best)) % 3
    assert (best == planted).mean() >= 0.6
    assert variables["tuned"].output_shape == (None, 1)
    assert variables["right"]["default"] > variables["right"][None] + 0.05


def test_outputs_are_comments_also_without_a_final_newline():
    stream = io.StringIO()
    writer = quickstart._Commented(stream)
    for text in ("a", "b\nc", "\n\nd"):
        writer.write(text)
    assert stream.getvalue() == "#> ab\n#> c\n#> \n#> d"
