import json

import numpy as np
import pytest

from rckeras.datasets import deepsea, load_dataset
from tests.rckeras.datasets.bundle import save_bundle
from tuning.cli import main
from zoo.registry import describe


@pytest.fixture
def published(tmp_path):
    """A bundle with as many labels as the published one."""
    return save_bundle(tmp_path / "in", rows=(9, 4, 6), length=7, targets=919)


def convert(tmp_path, *options):
    folder, output = str(tmp_path / "in"), str(tmp_path / "out.h5")
    return main(["data", "deepsea", folder, "-o", output, *options])


def test_the_command_converts_with_the_names_of_deepsea(tmp_path, capsys, published):
    assert convert(tmp_path) == 0
    dataset = load_dataset(tmp_path / "out.h5")
    assert dataset.targets == describe("deepsea").targets
    np.testing.assert_array_equal(dataset.split("test").sequences, published["test"][0])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "19 sequences of 7 bases (train 9, validation 4, test 6)" in captured.err
    sidecar = json.loads((tmp_path / "out.h5.json").read_text())
    assert sidecar["command"].startswith("rckeras data deepsea ")


def test_quiet_says_nothing(tmp_path, capfd, published):
    assert convert(tmp_path, "--quiet") == 0
    assert capfd.readouterr() == ("", "")


def test_targets_are_read_from_a_file(tmp_path):
    save_bundle(tmp_path / "in", targets=3)
    (tmp_path / "names.txt").write_text("a\nthe b\nc\n")
    assert convert(tmp_path, "--quiet", "--targets", str(tmp_path / "names.txt")) == 0
    assert load_dataset(tmp_path / "out.h5").targets == ("a", "the b", "c")


def test_an_error_is_one_line_and_an_interruption_says_how_to_go_on(
    tmp_path, capsys, published, monkeypatch
):
    (tmp_path / "out.h5").touch()
    assert convert(tmp_path) == 1
    assert capsys.readouterr().err.count("\n") == 1

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(deepsea, "copy_tile", interrupt)
    assert convert(tmp_path, "--force") == 130
    assert "the same command goes on" in capsys.readouterr().err
