"""Examples in the docstrings run and print what they say."""

import doctest

import pytest

from zoo.architectures import (
    brown,
    crnn,
    danq,
    deepsea,
    first_layer,
    koo,
    shapes,
    shrikumar,
)


@pytest.mark.parametrize(
    "module", [brown, crnn, danq, deepsea, first_layer, koo, shapes, shrikumar]
)
def test_examples_run(module):
    failed, attempted = doctest.testmod(module)
    assert attempted > 0
    assert failed == 0
