import argparse

import pytest

from rckeras.datasets.brown2018 import simulate_brown2018
from rckeras.datasets.hawkinshooker2018 import simulate_hawkinshooker2018
from rckeras.datasets.koo2019 import simulate_koo2019
from rckeras.datasets.shrikumar2017 import simulate_shrikumar2017
from zoo.commands.data import simulate

FUNCTIONS = {
    "shrikumar2017": simulate_shrikumar2017,
    "koo2019": simulate_koo2019,
    "brown2018": simulate_brown2018,
    "hawkinshooker2018": simulate_hawkinshooker2018,
}


def made_by(*words):
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    return simulate.make(parser.parse_args(words, argparse.Namespace(progress=False)))


def test_every_paper_is_there():
    assert set(simulate.PAPERS) == set(FUNCTIONS)


@pytest.mark.parametrize("paper", FUNCTIONS)
def test_the_command_does_what_the_function_does(paper):
    if paper != "shrikumar2017":
        pytest.importorskip("pyjaspar")
    words = ("--seed", "3", "--sequences", "60", "--length", "150")
    made = made_by(paper, *words)
    expected = FUNCTIONS[paper](3, sequences=60, length=150)
    assert (made.sequences == expected.sequences).all()
    assert (made.labels == expected.labels).all()
    assert made.notes == expected.notes


def test_without_numbers_they_are_the_papers():
    made = made_by("shrikumar2017")
    assert made.sequences.shape == (30_000, 200)
    assert (made.sequences == simulate_shrikumar2017().sequences).all()


def test_an_unknown_paper_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        made_by("zhou2022")
    assert "koo2019" in capsys.readouterr().err


def test_the_bar_is_shown_if_it_is_wanted(capsys):
    simulate.make(
        argparse.Namespace(paper="shrikumar2017", seed=0, sequences=60, progress=True)
    )
    assert "background" in capsys.readouterr().err
