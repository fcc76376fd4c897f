import gzip
import re

import numpy as np
import pytest

from rckeras.datasets.deepbind import load_deepbind
from rckeras.sequence import codes_to_letters
from tests.rckeras.datasets.genomes import dinucleotides

HEADER = "FoldID\tEventID\tseq\tBound\n"
EXPERIMENT = "SUZ12_H1-hESC_SUZ12_USC"


def rows_of(count, label="peak", bound=1, seed=0, length=40):
    chance = np.random.default_rng(seed)
    drawn = ["".join(chance.choice(list("ACGT"), length)) for _ in range(count)]
    return "".join(
        f"A\tseq_{number:05}_{label}\t{letters}\t{bound}\n"
        for number, letters in enumerate(drawn)
    )


@pytest.fixture
def write(tmp_path):
    """Writes a file, compressed as the published ones."""

    def write(name, text):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
        return tmp_path / name

    return write


@pytest.fixture
def train(write):
    return write("NAME_AC.seq.gz", HEADER + rows_of(30))


@pytest.fixture
def held_out(write):
    text = HEADER + rows_of(5, seed=1) + rows_of(5, "shuf", 0, seed=2)
    return write("NAME_B.seq.gz", text)


def lines_of(path):
    with gzip.open(path, "rt") as file:
        return [line.split("\t") for line in file.read().splitlines()[1:]]


def test_training_negatives_are_shuffles_of_the_peaks(train):
    dataset = load_deepbind(train)
    letters = codes_to_letters(dataset.sequences)
    assert letters[:30] == [row[2] for row in lines_of(train)]
    assert [dinucleotides(t) for t in letters[:30]] == [
        dinucleotides(t) for t in letters[30:]
    ]
    assert dataset.labels[:, 0].tolist() == [1] * 30 + [0] * 30
    assert dataset.columns["name"][30] == "seq_00000_peak_shuf"
    assert dataset.splits is None


def test_the_held_out_rows_are_the_test_as_they_stand(train, held_out):
    test = load_deepbind(train, held_out).split("test")
    rows = lines_of(held_out)
    assert codes_to_letters(test.sequences) == [row[2] for row in rows]
    assert test.labels[:, 0].tolist() == [int(row[3]) for row in rows]
    assert test.columns["name"].tolist() == [row[1] for row in rows]


def test_a_share_of_the_peaks_and_their_shuffles_is_for_validation(train, held_out):
    dataset = load_deepbind(train, held_out, splits={"validation": 0.25})
    assert dataset.split_sizes() == {"train": 44, "validation": 16, "test": 10}
    np.testing.assert_array_equal(dataset.splits[:30], dataset.splits[30:60])


def test_peaks_and_shuffles_of_a_file_stay_together(held_out):
    dataset = load_deepbind(held_out, negatives="file", splits={"validation": 0.4})
    assert dataset.split_sizes() == {"train": 6, "validation": 4, "test": 0}
    np.testing.assert_array_equal(dataset.splits[:5], dataset.splits[5:])


def test_without_a_test_file_a_share_can_be_for_the_test(train):
    dataset = load_deepbind(train, splits={"validation": 0.1, "test": 0.2})
    assert dataset.split_sizes() == {"train": 42, "validation": 6, "test": 12}
    np.testing.assert_array_equal(dataset.splits[:30], dataset.splits[30:])


def test_numbers_at_the_end_of_a_name_tell_peaks_apart(write):
    rows = rows_of(10).replace("seq_0000", "peak_").replace("_peak\t", "\t")
    assert rows.startswith("A\tpeak_0\t")
    dataset = load_deepbind(write("some", HEADER + rows), splits={"validation": 0.3})
    assert dataset.split_sizes() == {"train": 14, "validation": 6, "test": 0}


def test_negatives_of_a_training_file_are_named_plainly(held_out):
    with pytest.raises(ValueError, match=r"such as 'seq_00000_shuf'; negatives='file'"):
        load_deepbind(held_out)


def test_the_same_seed_gives_the_same_dataset(train):
    first, same, other = (
        load_deepbind(train, splits={"validation": 0.3}, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.sequences, same.sequences)
    np.testing.assert_array_equal(first.splits, same.splits)
    assert (first.sequences != other.sequences).any()
    assert (first.splits != other.splits).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "bad:1: the header must be the columns FoldID, EventID, seq, Bound"),
        ("A\tx_peak\tACGT\t1\n", "bad:1: the header"),
        (HEADER, "bad: the file holds no sequence"),
        (HEADER + "A\tx_peak\tACGT\n", "bad:2: a row must have the 4 columns"),
        (HEADER + "A\tx_peak\tACGT\t2\n", "bad:2: Bound must be 0 or 1. Received: '2'"),
        (HEADER + "A\ta\tACGT\t1\n\nA\tb\tACXT\t1\n", "bad:4: A sequence must be"),
        (HEADER + "A\ta\tACGT\t1\nA\tb\tACT\t1\n", "bad:3: all sequences must be of"),
        (HEADER + "A\ta_shuf\tACGT\t0\n", "bad: the file holds no positive"),
        (HEADER + rows_of(2) + rows_of(1, "shuf", 0), "negatives='file' takes them"),
    ],
)
def test_a_bad_training_file_is_refused(write, text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        load_deepbind(write("bad", text))


def test_a_test_file_without_negatives_is_refused(train, write):
    test = write("NAME_B.seq.gz", HEADER + rows_of(30))
    with pytest.raises(ValueError, match=r"_B\.seq\.gz: the file holds no negative"):
        load_deepbind(train, test)


def test_a_test_of_another_length_is_refused(train, write):
    text = HEADER + rows_of(2, length=30) + rows_of(2, "shuf", 0, length=30)
    with pytest.raises(ValueError, match=r"have 30 bases, and those of .* have 40"):
        load_deepbind(train, write("other", text))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"negatives": "genome"}, "one of dinucleotide, file. Received: 'genome'"),
        ({"splits": {"validation": 1.0}}, "leave something for training. Received"),
        ({"splits": {"validation": "chr1"}}, "do not say on which chromosomes"),
        ({"splits": 0.1}, "as in {'validation': 0.1}. Received: 0.1"),
        ({"splits": {"test": 0.1}, "test": "B"}, "must not take peaks for the test"),
        ({"test": "AC"}, "`train` and `test` must be different files"),
        ({"seed": -1}, "`seed` must be a whole number from 0. Received: -1"),
    ],
)
def test_bad_arguments_are_refused(train, held_out, arguments, words):
    files = {"AC": str(train), "B": str(held_out)}
    if "test" in arguments:
        arguments = {**arguments, "test": files[arguments["test"]]}
    with pytest.raises(ValueError, match=re.escape(words)):
        load_deepbind(train, **arguments)


def test_every_published_experiment_loads(shared_data):
    folder = shared_data / "encode_deepbind"
    tests = sorted(folder.glob("*_B.seq.gz"))
    assert tests
    for test in tests:
        dataset = load_deepbind(test, negatives="file")
        assert dataset.length == 101
        assert dataset.notes["positives"] == dataset.notes["negatives"]


@pytest.mark.slow
def test_every_published_training_file_loads(shared_data):
    folder = shared_data / "encode_deepbind"
    files = sorted(folder.glob("*_AC.seq.gz"))
    assert files
    for train in files:
        test = train.with_name(train.name.replace("_AC.", "_B."))
        dataset = load_deepbind(train, test, splits={"validation": 0.1})
        rows = len(lines_of(train))
        assert dataset.notes["positives"] == rows + len(lines_of(test)) // 2
        assert dataset.split_sizes()["test"] == len(lines_of(test))


def test_a_published_experiment_is_read_as_it_stands(shared_data):
    stem = str(shared_data / "encode_deepbind" / EXPERIMENT)
    dataset = load_deepbind(f"{stem}_AC.seq.gz", f"{stem}_B.seq.gz")
    assert dataset.split_sizes() == {"train": 2 * 4289, "validation": 0, "test": 1000}
    rows = lines_of(f"{stem}_AC.seq.gz")
    assert codes_to_letters(dataset.sequences[:4289]) == [row[2] for row in rows]
    assert dataset.notes["sequences_with_n"] >= 1
