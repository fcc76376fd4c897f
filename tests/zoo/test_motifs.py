import inspect
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from rckeras.io.windows import FITS
from rckeras.layers import RevCompConv1D
from rckeras.motifs import (
    Motif,
    load_encode_motifs,
    read_jaspar,
    read_meme,
    write_meme,
)
from rckeras.motifs.filters import METHODS
from rckeras.motifs.scan import log_odds
from rckeras.motifs.tomtom import SCORES
from rckeras.sequence.codes import codes_to_letters
from tuning.cli import main
from zoo import commands
from zoo.commands import motifs as command
from zoo.motifs import FILES, FoundMotifs, _collect, find_motifs

pytest.importorskip("logomaker")

LENGTH, WIDTH = 40, 9


def known_motifs(size=60):
    bases = np.random.default_rng(0).integers(4, size=(size, WIDTH))
    return [
        Motif(f"factor{i}", 0.88 * np.eye(4)[row] + 0.03, f"MA{i}.1")
        for i, row in enumerate(bases)
    ]


def written_sequences(path, motif, sequences=300):
    """Random sequences, each with the motif's consensus in it."""
    rng = np.random.default_rng(1)
    codes = rng.integers(4, size=(sequences, LENGTH)).astype(np.uint8)
    codes[:, 12 : 12 + WIDTH] = motif.probabilities.argmax(axis=1)
    lines = enumerate(codes_to_letters(codes))
    path.write_text("".join(f">{i}\n{letters}\n" for i, letters in lines))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network whose first filter reads the fourth known motif, and its data."""
    folder = tmp_path_factory.mktemp("motifs")
    known = known_motifs()
    write_meme(folder / "known.meme", known)
    conv = RevCompConv1D(2, WIDTH, name="conv1")
    x = sequence = keras.Input((LENGTH, 4))
    for layer in (conv, layers.ReLU(), layers.GlobalMaxPooling1D(), layers.Dense(1)):
        x = layer(x)
    network = keras.Model(sequence, x)
    kernel = np.zeros(conv.kernel.shape)
    kernel[..., 0] = log_odds(known[3])
    conv.kernel.assign(kernel)
    network.save(folder / "net.keras")
    written_sequences(folder / "some.fa", known[3])
    return folder


def run(files, output, *options):
    arguments = (files / "net.keras", files / "some.fa", "-o", output)
    known = ("--known", files / "known.meme")
    return main(["motifs", *map(str, (*arguments, *known, *options))])


def test_the_folder_has_motifs_matches_and_logos(files, tmp_path, capsys):
    folder = tmp_path / "new" / "motifs"
    assert run(files, folder) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    [motif] = read_meme(folder / "filters.meme")
    consensus = known_motifs()[3].consensus
    assert (motif.name, motif.consensus) == ("conv1_0", consensus)
    [counted] = read_jaspar(folder / "filters.jaspar")
    assert counted.counts.sum() == pytest.approx(motif.counts.sum(), rel=1e-6)
    header, best, *_ = (folder / "matches.tsv").read_text().splitlines()
    assert header.startswith("query\ttarget\tname\t")
    assert best.split("\t")[:3] == ["conv1_0", "MA3.1", "factor3"]
    logos = (folder / "filters.svg").read_text()
    assert logos.startswith("<?xml")
    said = capsys.readouterr().err
    assert "300 sequences, 2 filters, 1 with a motif, 1 like a known one" in said


def test_the_function_returns_what_it_writes(files, tmp_path):
    found = find_motifs(
        str(files / "net.keras"),
        files / "some.fa",
        tmp_path,
        known=files / "known.meme",
        max_sequences=100,
    )
    assert isinstance(found, FoundMotifs)
    assert found.sequences == 100
    fired, dead = found.motifs
    assert dead is None
    assert (fired.channel, fired.partner) == (0, 3)
    assert (tmp_path / "matches.tsv").read_text() == f"{found.matches}\n"


def test_files_are_kept_unless_forced(files, tmp_path, capsys):
    (tmp_path / "matches.tsv").write_text("mine")
    assert run(files, tmp_path) == 1
    assert "matches.tsv exists already" in capsys.readouterr().err
    assert (tmp_path / "matches.tsv").read_text() == "mine"
    assert run(files, tmp_path, "--force", "--quiet") == 0
    assert (tmp_path / "matches.tsv").read_text() != "mine"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--known", "here.meme"), "There is no file 'here.meme'"),
        (("--layer", "conv7"), "Received: layer='conv7'"),
        (("--max-sequences", "0"), "`max_sequences` must be 1 or more. Received: 0"),
        (("--top", "5", "--method", "koo2019_code"), "Received: top=5"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line_and_nothing_is_written(
    files, tmp_path, capsys, options, message
):
    assert run(files, tmp_path, *options) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_files_that_are_read_are_not_replaced(files, tmp_path, capsys):
    known = tmp_path / "filters.meme"
    write_meme(known, load_encode_motifs()[:3])
    before = known.read_text()
    assert run(files, tmp_path, "--known", known, "--force") == 1
    assert str(known) in capsys.readouterr().err
    assert known.read_text() == before


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"evalue": -1}, "must be above 0"),
        ({"distance": "cosine"}, "`distance` must be one of"),
        ({"method": "none"}, "`method` must be one of"),
        ({"threshold": 2}, "`threshold` must be from 0 to below 1"),
        ({"layer": "conv9"}, "conv9"),
    ],
)
def test_arguments_are_refused_before_sequences_are_read(
    files, tmp_path, monkeypatch, argument, words
):
    monkeypatch.setattr("zoo.motifs._collect", None)
    with pytest.raises(ValueError, match=words):
        find_motifs(
            files / "net.keras",
            files / "some.fa",
            tmp_path,
            known=files / "known.meme",
            **argument,
        )


def test_a_file_is_no_folder(files, tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    assert run(files, file) == 1
    assert "must be a folder. Received: the file" in capsys.readouterr().err


def test_a_network_whose_filters_are_silent_is_refused(files, tmp_path):
    x = sequence = keras.Input((LENGTH, 4))
    silent = layers.Conv1D(2, 3, activation="relu")
    for layer in (silent, layers.GlobalMaxPooling1D(), layers.Dense(1)):
        x = layer(x)
    silent.bias.assign([-9.0, -9.0])
    model, known = keras.Model(sequence, x), files / "known.meme"
    with pytest.raises(ValueError, match=r"no filter fires in .*some\.fa"):
        find_motifs(model, files / "some.fa", tmp_path, known=known)


@pytest.mark.parametrize(("most", "expected"), [(10, 10), (2000, 1000)])
def test_a_limit_takes_sequences_from_everywhere(most, expected):
    windows = (SimpleNamespace(sequence=number) for number in range(1000))
    seen = []
    kept = _collect(windows, most, seen.append)
    assert expected <= len(kept) <= 2 * expected
    assert len(set(np.diff(kept))) == 1
    assert kept[0] == 0
    assert len(seen) == 1000


def test_the_command_offers_what_the_library_knows():
    assert tuple(METHODS) == command.METHODS
    assert tuple(SCORES) == command.DISTANCES
    assert commands.FITS == FITS


def test_the_command_hands_on_every_option(monkeypatch, capsys):
    seen = {}

    def find(**options):
        seen.update(options)
        return "found"

    monkeypatch.setattr("zoo.motifs.find_motifs", find)
    words = "motifs net.keras some.bed -o folder --genome hg.fa --split test --fit both"
    words += " --max-sequences 7 --weights w.h5 --layer conv2 --method brown2018"
    words += " --threshold 0.2 --top 9 --batch-size 3 --known JASPAR2018 --taxon all"
    words += " --evalue 0.5 --distance pearson --force --quiet"
    assert main(words.split()) == 0
    assert set(seen) == set(inspect.signature(find_motifs).parameters)
    assert seen == {
        **{"model": "net.keras", "path": "some.bed", "output": "folder"},
        **{"genome": "hg.fa", "split": "test", "fit": "both", "weights": "w.h5"},
        **{"layer": "conv2", "method": "brown2018", "threshold": 0.2, "top": 9},
        **{"max_sequences": 7, "known": "JASPAR2018", "taxon": None, "evalue": 0.5},
        **{"distance": "pearson", "batch_size": 3, "progress": False},
        "overwrite": True,
    }
