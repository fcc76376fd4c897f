"""What all kinds of `rckeras data` have in common."""

import json
import os

import numpy as np
import pytest

from rckeras.datasets import load_dataset, simulate_shrikumar2017
from tuning.cli import main
from zoo.commands.data import KINDS

SIMULATE = ["data", "simulate", "shrikumar2017", "--sequences", "60", "--seed", "5"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_help_text(capsys, kind):
    with pytest.raises(SystemExit) as end:
        main(["data", kind, "--help"])
    assert end.value.code == 0
    assert f"usage: rckeras data {kind}" in capsys.readouterr().out


def test_a_dataset_is_written_and_said_to_be(capsys):
    assert main([*SIMULATE, "-o", "set.h5"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "set.h5: 60 sequences of 200 bases (train 24, validation 18" in said.err
    assert "noise_share: 0.2" in said.err
    expected = simulate_shrikumar2017(5, sequences=60)
    np.testing.assert_array_equal(load_dataset("set.h5").sequences, expected.sequences)


def test_the_sidecar_has_the_command_and_the_seed(folder):
    main([*SIMULATE, "-o", "my set.h5", "--quiet"])
    made = json.loads((folder / "my set.h5.json").read_text())
    assert made["command"] == (
        "rckeras data simulate shrikumar2017 --sequences 60 --seed 5 -o 'my set.h5' "
        "--quiet"
    )
    assert made["seed"] == 5


def test_the_same_command_writes_the_same_bytes(folder):
    for name in ("a.h5", "b.h5"):
        main([*SIMULATE, "-o", name, "--quiet"])
    assert (folder / "a.h5").read_bytes() == (folder / "b.h5").read_bytes()


def test_an_existing_file_is_kept_unless_force_is_given(folder, capsys):
    (folder / "set.h5").write_text("mine")
    assert main([*SIMULATE, "-o", "set.h5"]) == 1
    assert "set.h5 exists" in capsys.readouterr().err
    assert (folder / "set.h5").read_text() == "mine"
    assert main([*SIMULATE, "-o", "set.h5", "--force"]) == 0
    assert len(load_dataset("set.h5")) == 60


def test_quiet_says_nothing(capsys):
    main([*SIMULATE, "-o", "set.h5", "--quiet"])
    assert capsys.readouterr() == ("", "")


def test_describe_tells_what_is_there_and_that_it_is_whole(capsys):
    main([*SIMULATE, "-o", "set.h5", "--quiet"])
    assert main(["data", "describe", "set.h5"]) == 0
    out = capsys.readouterr().out
    for part in ("60 sequences of 200", "GATA1: 33.33% positive", "--seed 5", "whole"):
        assert part in out


def test_describe_notices_a_changed_file(folder, capsys):
    main([*SIMULATE, "-o", "set.h5", "--quiet"])
    data = bytearray((folder / "set.h5").read_bytes())
    place = data.find(bytes(load_dataset("set.h5").sequences[0]))
    data[place] ^= 1
    (folder / "set.h5").write_bytes(data)
    assert main(["data", "describe", "set.h5"]) == 1
    assert "set.h5 has changed since it was made" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "{}", "[1]"])
def test_describe_names_a_damaged_or_missing_sidecar(folder, capsys, text):
    main([*SIMULATE, "-o", "set.h5", "--quiet"])
    (folder / "set.h5.json").write_text(text)
    assert main(["data", "describe", "set.h5"]) == 1
    assert "set.h5.json was damaged" in capsys.readouterr().err
    (folder / "set.h5.json").unlink()
    assert main(["data", "describe", "set.h5"]) == 1
    assert "set.h5.json is missing" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["bound.fa", "bound"])
def test_what_is_read_is_never_replaced(folder, capsys, output):
    """Neither by the dataset nor by its sidecar."""
    text = "".join(f">s{i}\n{'ACGT' * i}ACGTTGCA\n" for i in range(9))
    (folder / "bound.fa").write_text(text)
    (folder / "bound.json").write_text(text)
    source = "bound.fa" if output == "bound.fa" else "bound.json"
    words = ["data", "fasta", source, "--length", "8", "--fit", "crop"]
    assert main([*words, "-o", output, "--force"]) == 1
    assert "must not be a file that is read" in capsys.readouterr().err
    assert (folder / source).read_text() == text


def test_the_standard_input_and_pipes_are_refused_at_once(folder, capsys):
    os.mkfifo(folder / "pipe")
    for source in ("-", "pipe", "."):
        assert main(["data", "fasta", source, "-o", "set.h5"]) == 1
        assert f"Received: {source}\n" in capsys.readouterr().err


def test_wrong_usage_ends_in_one_line(folder, capsys):
    with pytest.raises(SystemExit) as end:
        main(["data", "nothing"])
    assert end.value.code == 2
    assert "simulate" in capsys.readouterr().err
    assert main([*SIMULATE, "-o", "no/set.h5"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main([*SIMULATE, "-o", "-"]) == 1
    assert "name a file" in capsys.readouterr().err
    assert not list(folder.iterdir())
