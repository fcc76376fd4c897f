"""`rckeras data` with the kinds fasta, deepbind, peaks and chipseq."""

import argparse
import gzip
import json

import numpy as np
import pytest

from rckeras.datasets import load_dataset
from rckeras.datasets.chipseq import SHRIKUMAR_SPLITS, load_chipseq
from rckeras.datasets.deepbind import NEGATIVES, load_deepbind
from rckeras.datasets.fasta import load_fasta_pair
from rckeras.datasets.peaks import load_peaks
from rckeras.datasets.regions import AT, RANKS
from rckeras.io.windows import FITS
from tests.rckeras.datasets.genomes import make_genome, write_peaks
from tuning.cli import main
from zoo.commands.data import chipseq, deepbind, fasta, peaks


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a file of every kind."""
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(0)
    rows = ["".join(chance.choice(list("ACGT"), 30)) for _ in range(20)]
    records = [f">chr{1 + i % 3}:0-30\n{row}\n" for i, row in enumerate(rows)]
    for number, name in enumerate(["bound", "open", "bound2", "open2"]):
        lines = records[number * 5 : number * 5 + 5]
        (tmp_path / f"{name}.fa").write_text("".join(lines))
    header = "FoldID\tEventID\tseq\tBound\n"
    lines = [f"A\tseq_{i}_peak\t{row}\t1\n" for i, row in enumerate(rows)]
    (tmp_path / "AC.seq.gz").write_bytes(
        gzip.compress((header + "".join(lines)).encode())
    )
    lines += [f"A\tseq_{i}_shuf\t{row[::-1]}\t0\n" for i, row in enumerate(rows)]
    (tmp_path / "B.seq.gz").write_bytes(
        gzip.compress((header + "".join(lines)).encode())
    )
    make_genome(tmp_path / "genome.fa")
    for number, name in enumerate(["peaks", "controls", "relaxed"]):
        starts = range(300 + 50 * number, 1300, 200)
        spans = [(c, s, s + 40 + number * 20) for c in ("chr1", "chr2") for s in starts]
        write_peaks(tmp_path / name, [*spans, ("chrUn", 1, 9)])
    return tmp_path


CASES = {
    "fasta alone": (
        "fasta bound.fa --seed 3",
        load_fasta_pair,
        ["bound.fa"],
        {"seed": 3},
    ),
    "fasta": (
        "fasta bound.fa open.fa --test-positives bound2.fa --test-negatives open2.fa "
        "--length 20 --fit both --split validation=chr2 --target x",
        load_fasta_pair,
        ["bound.fa", "open.fa"],
        {
            "test_positives": "bound2.fa",
            "test_negatives": "open2.fa",
            "length": 20,
            "fit": "both",
            "splits": {"validation": "chr2"},
            "target": "x",
        },
    ),
    "fasta and no negatives": (
        "fasta bound.fa --no-negatives",
        load_fasta_pair,
        ["bound.fa"],
        {"negatives": None},
    ),
    "deepbind": (
        "deepbind AC.seq.gz B.seq.gz --split validation=0.2 --seed 2 --target x",
        load_deepbind,
        ["AC.seq.gz", "B.seq.gz"],
        {"splits": {"validation": 0.2}, "seed": 2, "target": "x"},
    ),
    "deepbind file": (
        "deepbind B.seq.gz --negatives file",
        load_deepbind,
        ["B.seq.gz"],
        {"negatives": "file"},
    ),
    "peaks": (
        "peaks peaks --genome genome.fa --length 50 --drop-missing-contigs --at centre "
        "--split validation=0.2 --split test=0.1 --seed 4 --target x",
        load_peaks,
        ["peaks", "genome.fa"],
        {
            "length": 50,
            "missing_contigs": "drop",
            "at": "centre",
            "splits": {"validation": 0.2, "test": 0.1},
            "seed": 4,
            "target": "x",
        },
    ),
    "peaks and a file": (
        "peaks peaks --genome genome.fa --length 50 --drop-missing-contigs "
        "--negatives controls",
        load_peaks,
        ["peaks", "genome.fa"],
        {"length": 50, "missing_contigs": "drop", "negatives": "controls"},
    ),
    "peaks alone": (
        "peaks peaks --genome genome.fa --length 50 --drop-missing-contigs "
        "--no-negatives",
        load_peaks,
        ["peaks", "genome.fa"],
        {"length": 50, "missing_contigs": "drop", "negatives": None},
    ),
    "chipseq": (
        "chipseq peaks controls --genome genome.fa --relaxed relaxed --top-relaxed 3 "
        "--length 60 --rank-by signal --at either --drop-missing-contigs "
        "--split test=* --split train=1 --target x",
        load_chipseq,
        ["peaks", "controls", "genome.fa"],
        {
            "relaxed_peaks": "relaxed",
            "top_relaxed": 3,
            "length": 60,
            "at": "either",
            "missing_contigs": "drop",
            "splits": {"train": "chr1", "test": "*"},
            "target": "x",
        },
    ),
}


def run(arguments):
    return main(["data", *arguments.split(), "-o", "out.h5", "--quiet"])


@pytest.mark.parametrize("case", CASES)
def test_a_command_gives_what_its_reader_gives(folder, case):
    arguments, reader, files, settings = CASES[case]
    assert run(arguments) == 0
    made, expected = load_dataset("out.h5"), reader(*files, **settings)
    assert made.targets == expected.targets
    assert made.notes == expected.notes
    for field in ("sequences", "labels", "splits"):
        np.testing.assert_array_equal(getattr(made, field), getattr(expected, field))
    for name, column in expected.columns.items():
        np.testing.assert_array_equal(made.columns[name], column)


@pytest.mark.parametrize("case", CASES)
def test_the_files_that_were_read_are_noted(folder, case):
    arguments, _, files, settings = CASES[case]
    assert run(arguments) == 0
    sources = json.loads((folder / "out.h5.json").read_text())["sources"]
    given = [value for value in settings.values() if isinstance(value, str)]
    read = {*files, *(value for value in given if (folder / value).exists())}
    assert {source["path"] for source in sources} == read


@pytest.mark.parametrize(
    ("module", "argument", "choices"),
    [
        (fasta, "fit", FITS),
        (deepbind, "negatives", NEGATIVES),
        (peaks, "at", AT),
        (chipseq, "rank_by", RANKS),
        (chipseq, "preset", tuple(SHRIKUMAR_SPLITS)),
    ],
)
def test_a_command_offers_what_its_reader_knows(module, argument, choices):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    (found,) = (action for action in parser._actions if action.dest == argument)
    assert found.choices == choices


def test_the_paper_s_splits_reach_the_reader(folder, capsys):
    words = "'chr21' to 'train', but no sequence is on it"
    arguments = (
        "chipseq peaks controls --genome genome.fa --length 60 --drop-missing-contigs"
    )
    assert run(f"{arguments} --paper-splits chr21") == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        "--split test",
        "--split =chr1",
        "--split test=",
        "--split test=chr1 --paper-splits chr1",
        "--split validation=0.5,test=0.1",
    ],
)
def test_wrong_splits_are_wrong_usage(folder, capsys, options):
    with pytest.raises(SystemExit) as stop:
        run(f"chipseq peaks controls --genome genome.fa {options}")
    assert stop.value.code == 2
    assert "--split" in capsys.readouterr().err


def test_two_splits_in_one_option_are_told_apart(folder, capsys):
    with pytest.raises(SystemExit):
        run("fasta bound.fa --split validation=0.5,test=0.1")
    words = "as in --split validation=0.5 --split test=0.1. Received: 'validation=0.5,"
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("fasta bound.fa --length -3 --fit both", "`length` must be from 1"),
        ("fasta bound.fa bound.fa", "must be different files"),
        ("fasta bound.fa --seed -1", "`seed` must be a whole number from 0"),
        ("deepbind AC.seq.gz --split test=chr1", "on which chromosomes"),
        ("peaks peaks --genome genome.fa --length 9 --seed -1", "`seed` must be"),
    ],
)
def test_wrong_values_are_told_in_one_line(folder, capsys, arguments, words):
    assert run(arguments) == 1
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_a_split_given_twice_is_refused(folder, capsys):
    assert run("fasta bound.fa --split test=0.1 --split test=0.2") == 1
    assert "--split must name each split once" in capsys.readouterr().err


def test_a_bad_file_is_told_in_one_line(folder, capsys):
    (folder / "open.fa").write_text(">a\nACGT!\n")
    assert run("fasta bound.fa open.fa") == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "open.fa:2: record 'a'" in message
    assert not (folder / "out.h5").exists()
