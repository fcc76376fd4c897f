"""The examples in docstrings run, and print what they say."""

import doctest
import importlib
import pkgutil

import keras
import numpy as np
import pytest

import rckeras
import tuning
import zoo

MODULES = [
    module.name
    for package in (rckeras, zoo, tuning)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.startswith(("zoo.examples", "zoo.commands", "tuning.commands"))
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_the_docstring_shows(name):
    module = importlib.import_module(name)
    names = {**vars(rckeras.layers), **vars(module), "keras": keras, "np": np}
    failed, _ = doctest.testmod(
        module, extraglobs={**names, "zoo": zoo}, optionflags=doctest.ELLIPSIS
    )
    assert not failed
