import contextlib
import gzip
import io
import sys
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from rckeras.datasets import save_dataset
from rckeras.io.windows import Window
from rckeras.layers import MonteCarloDropout
from rckeras.sequence import reverse_complement_string
from rckeras.sequence.codes import codes_to_letters
from tests.rckeras.datasets.sets import make_dataset
from zoo.prediction import PredictionSummary, predict_file

LENGTH = 12
ROWS = {"A": 0, "C": 1, "G": 2, "T": 3}


def encode(sequence, n_value=0.0):
    x = np.full((len(sequence), 4), n_value)
    for position, letter in enumerate(sequence.upper()):
        if letter in ROWS:
            x[position] = np.eye(4)[ROWS[letter]]
    return x


def build(dropout=()):
    """A network that tells every position, letter and strand apart."""
    rng = np.random.default_rng(1)
    model = keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            keras.layers.Flatten(),
            *dropout,
            keras.layers.Dense(2, activation="sigmoid"),
        ]
    )
    model.set_weights([rng.normal(size=(4 * LENGTH, 2)), rng.normal(size=2)])
    return model


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def bayesian():
    return build([MonteCarloDropout(0.3, seed=0)])


@pytest.fixture(scope="module")
def expect(model):
    """Function from sequences to what `model` says of them, in float64."""
    kernel, bias = (np.asarray(weight, "float64") for weight in model.get_weights())

    def predict(sequences, n_value=0.0):
        x = np.array([encode(sequence, n_value).ravel() for sequence in sequences])
        return 1 / (1 + np.exp(-(x @ kernel + bias)))

    return predict


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(2)
    return ["".join(rng.choice(list("ACGT"), LENGTH)) for _ in range(11)]


@pytest.fixture(scope="module")
def fasta(tmp_path_factory, sequences):
    return write_fasta(tmp_path_factory.mktemp("fasta") / "in.fa", sequences)


def write_fasta(path, sequences):
    lines = [f">seq{i} chr1\n{sequence}\n" for i, sequence in enumerate(sequences)]
    path.write_text("".join(lines))
    return path


def read(path, keys=1):
    """Header, keys and numbers of a tab-separated file."""
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    keys = [tuple(row[:keys]) for row in rows], keys
    return header, keys[0], np.array([row[keys[1] :] for row in rows], "float32")


def predict(model, source, tmp_path, **options):
    """Numbers that `predict_file` writes."""
    output = tmp_path / "out.tsv"
    predict_file(model, source, output, overwrite=True, **options)
    return read(output, keys=5 if options.get("genome") else 1)[2]


def test_rows_are_the_networks_answers_in_order(
    model, expect, fasta, sequences, tmp_path
):
    summary = predict_file(model, fasta, tmp_path / "out.tsv")
    header, keys, numbers = read(tmp_path / "out.tsv")
    assert header == ["name", "target_0", "target_1"]
    assert keys == [(f"seq{i}",) for i in range(len(sequences))]
    np.testing.assert_allclose(numbers, expect(sequences), atol=1e-6)
    assert summary == PredictionSummary(rows=len(sequences))


@settings(max_examples=8, deadline=None)
@given(batch_size=st.integers(1, 13))
def test_batches_of_any_size_give_the_same_rows(
    model, expect, fasta, sequences, tmp_path_factory, batch_size
):
    folder = tmp_path_factory.getbasetemp()
    numbers = predict(model, fasta, folder, batch_size=batch_size)
    np.testing.assert_allclose(numbers, expect(sequences), atol=1e-6)


def test_both_strands_are_averaged(model, expect, fasta, sequences, tmp_path):
    numbers = predict(model, fasta, tmp_path, average_strands=True)
    turned = [reverse_complement_string(sequence) for sequence in sequences]
    expected = (expect(sequences) + expect(turned)) / 2
    np.testing.assert_allclose(numbers, expected, atol=1e-6)


@pytest.mark.parametrize("samples", [None, 3])
def test_an_average_is_the_same_for_both_strands(
    bayesian, fasta, sequences, tmp_path, samples
):
    turned = [reverse_complement_string(sequence) for sequence in sequences]
    reverse = write_fasta(tmp_path / "reverse.fa", turned)
    options = {"average_strands": True, "mc_samples": samples}
    numbers = predict(bayesian, fasta, tmp_path, **options)
    again = predict(bayesian, reverse, tmp_path, **options)
    np.testing.assert_allclose(again, numbers, atol=1e-6)
    assert not np.allclose(
        predict(bayesian, reverse, tmp_path), predict(bayesian, fasta, tmp_path)
    )


def test_dropout_is_off_without_samples(bayesian, expect, fasta, sequences, tmp_path):
    numbers = predict(bayesian, fasta, tmp_path)
    np.testing.assert_allclose(numbers, expect(sequences), atol=1e-6)


def test_samples_give_a_mean_and_a_deviation(bayesian, fasta, tmp_path):
    output = tmp_path / "out.tsv"
    predict_file(bayesian, fasta, output, mc_samples=4, targets=["a", "b"])
    header, _, numbers = read(output)
    assert header == ["name", "a_mean", "a_std", "b_mean", "b_std"]
    assert (numbers[:, 1::2] > 0).all()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_all_rows_see_the_same_samples(bayesian, fasta, tmp_path, batch_size):
    numbers = predict(bayesian, fasta, tmp_path, mc_samples=3)
    again = predict(bayesian, fasta, tmp_path, mc_samples=3, batch_size=batch_size)
    np.testing.assert_allclose(again, numbers, atol=1e-6)
    other = predict(bayesian, fasta, tmp_path, mc_samples=3, seed=1)
    assert not np.allclose(other, numbers)


def test_that_dropout_is_off_is_said(bayesian, model, fasta, tmp_path, capsys):
    for number, (network, options, said) in enumerate(
        [
            (bayesian, {}, True),
            (bayesian, {"mc_samples": 2}, False),
            (bayesian, {"progress": False}, False),
            (model, {}, False),
        ]
    ):
        predict_file(network, fasta, tmp_path / f"{number}.tsv", **options)
        assert ("dropout is off" in capsys.readouterr().err) == said


def test_samples_need_dropout(model, fasta, tmp_path):
    with pytest.raises(ValueError, match="no Monte Carlo dropout"):
        predict_file(model, fasta, tmp_path / "out.tsv", mc_samples=3)


@pytest.mark.parametrize("n_value", [0.0, 0.25])
def test_n_is_encoded_as_told(model, expect, tmp_path, n_value):
    sequences = ["ACGTNNNNACGT", "nacgtRYacgta"]
    source = write_fasta(tmp_path / "n.fa", sequences)
    output = tmp_path / "out.tsv"
    summary = predict_file(model, source, output, n_value=n_value)
    expected = expect(sequences, n_value)
    np.testing.assert_allclose(read(output)[2], expected, atol=1e-6)
    assert summary.ambiguous_letters == 7


def test_lower_case_changes_nothing(model, fasta, sequences, tmp_path):
    lower = write_fasta(tmp_path / "lower.fa", [s.lower() for s in sequences])
    numbers = predict(model, fasta, tmp_path)
    np.testing.assert_array_equal(predict(model, lower, tmp_path), numbers)


def test_repeated_names_stay_and_are_counted(model, expect, tmp_path):
    path = tmp_path / "in.fa"
    path.write_text(">a\nACGTACGTACGT\n>b\nCCCCCCCCCCCC\n>a\nAAAAAAAAAAAA\n")
    summary = predict_file(model, path, tmp_path / "out.tsv", batch_size=2)
    _, keys, numbers = read(tmp_path / "out.tsv")
    assert keys == [("a",), ("b",), ("a",)]
    expected = expect(["ACGTACGTACGT", "CCCCCCCCCCCC", "AAAAAAAAAAAA"])
    np.testing.assert_allclose(numbers, expected, atol=1e-6)
    assert summary.duplicate_names == 1


def test_the_summary_counts_what_was_fitted(model, tmp_path):
    source = write_fasta(tmp_path / "in.fa", ["A" * 12, "A" * 13, "A" * 3, "A" * 4])
    summary = predict_file(model, source, tmp_path / "out.tsv", fit="both")
    assert summary == PredictionSummary(rows=4, cropped=1, padded=2)
    assert str(summary) == "4 rows, 1 cropped, 2 padded"


def test_intervals_get_the_rows_of_their_windows(model, tmp_path):
    rng = np.random.default_rng(3)
    chromosome = "".join(rng.choice(list("ACGTacgtN"), 300))
    genome, bed = tmp_path / "genome.fa", tmp_path / "in.bed"
    genome.write_text(f">chr1\n{chromosome}\n")
    starts = rng.integers(0, 300 - LENGTH, size=20)
    bed.write_text(
        "".join(f"chr1\t{s}\t{s + LENGTH}\tp\t0\t{'+-'[s % 2]}\n" for s in starts)
    )
    windows = [chromosome[s : s + LENGTH] for s in starts]
    turned = [
        reverse_complement_string(window) if s % 2 else window
        for s, window in zip(starts, windows, strict=True)
    ]
    source = write_fasta(tmp_path / "in.fa", turned)
    output = tmp_path / "bed.tsv"
    predict_file(model, bed, output, genome=genome, batch_size=7)
    header, keys, numbers = read(output, keys=5)
    assert header[:5] == ["chrom", "start", "end", "name", "strand"]
    assert keys == [("chr1", str(s), str(s + LENGTH), "p", "+-"[s % 2]) for s in starts]
    np.testing.assert_allclose(numbers, predict(model, source, tmp_path), atol=1e-6)


def test_all_formats_hold_the_same_numbers(model, fasta, tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    for suffix in ("tsv", "csv", "tsv.gz", "parquet", "h5", "npz"):
        predict_file(model, fasta, tmp_path / f"out.{suffix}", batch_size=4)
    numbers = read(tmp_path / "out.tsv")[2]
    text = (tmp_path / "out.tsv").read_bytes()
    assert gzip.decompress((tmp_path / "out.tsv.gz").read_bytes()) == text
    assert (tmp_path / "out.csv").read_bytes() == text.replace(b"\t", b",")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    columns = [table[name].to_numpy() for name in ("target_0", "target_1")]
    np.testing.assert_array_equal(np.array(columns).T, numbers)
    with h5py.File(tmp_path / "out.h5") as file:
        np.testing.assert_array_equal(file["predictions"][:], numbers)
    with np.load(tmp_path / "out.npz") as file:
        np.testing.assert_array_equal(file["predictions"], numbers)


def test_a_network_of_any_length_takes_records_of_many(tmp_path):
    pooled = keras.Sequential(
        [
            keras.Input((None, 4)),
            keras.layers.GlobalAveragePooling1D(),
        ]
    )
    sequences = ["AC", "GT", "ACGT", "A", "AAAT"]
    source = write_fasta(tmp_path / "in.fa", sequences)
    numbers = predict(pooled, source, tmp_path)
    expected = [encode(sequence).mean(axis=0) for sequence in sequences]
    np.testing.assert_allclose(numbers, expected, atol=1e-6)


def test_targets_get_the_names_given(model, fasta, tmp_path):
    predict_file(model, fasta, tmp_path / "out.tsv", targets=["CTCF", "MAX"])
    assert read(tmp_path / "out.tsv")[0] == ["name", "CTCF", "MAX"]


def test_a_saved_model_predicts_alike(bayesian, fasta, tmp_path):
    bayesian.save(tmp_path / "mine.keras")
    numbers = predict(bayesian, fasta, tmp_path)
    again = predict(str(tmp_path / "mine.keras"), fasta, tmp_path)
    np.testing.assert_array_equal(again, numbers)


def test_a_named_network_brings_its_targets_and_its_n(fasta, tmp_path, monkeypatch):
    name, output = "shrikumar-sim-rc", tmp_path / "own.tsv"
    card = replace(zoo.describe(name), n_value=0.25, targets=("a", "b", "c"))
    monkeypatch.setattr("zoo.prediction.describe", lambda name: card)
    named = zoo.build(name)
    named.save_weights(tmp_path / "own.weights.h5")
    predict_file(name, fasta, output, weights=tmp_path / "own.weights.h5", fit="pad")
    header, _, numbers = read(output)
    assert header == ["name", "a", "b", "c"]
    expected = predict(named, fasta, tmp_path, fit="pad", n_value=0.25)
    np.testing.assert_array_equal(numbers, expected)
    other = predict(named, fasta, tmp_path, fit="pad", n_value=0.0)
    assert not np.allclose(numbers, other)


def test_weights_for_a_model_that_has_its_own_are_refused(model, fasta, tmp_path):
    with pytest.raises(ValueError, match=r"weights='other\.h5' with a model"):
        predict_file(model, fasta, tmp_path / "out.tsv", weights="other.h5")


def test_the_input_may_come_by_the_standard_input(
    model, fasta, tmp_path, monkeypatch, capsys
):
    predict_file(model, fasta, tmp_path / "out.tsv")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(fasta.open("rb")))
    predict_file(model, "-")
    assert capsys.readouterr().out == (tmp_path / "out.tsv").read_text()


def test_a_bar_on_stderr_leaves_the_standard_output_alone(
    model, fasta, tmp_path, monkeypatch, capsys
):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    predict_file(model, fasta, tmp_path / "out.tsv")
    monkeypatch.setattr("sys.stderr", Terminal())
    predict_file(model, fasta)
    assert capsys.readouterr().out == (tmp_path / "out.tsv").read_text()
    assert "11/11" in sys.stderr.getvalue()


def test_no_bar_is_drawn_where_stderr_is_no_terminal(model, fasta, capsys):
    predict_file(model, fasta)
    assert capsys.readouterr().err == ""


def test_only_one_batch_is_held(model, tmp_path, monkeypatch):
    """However many rows come, all but a batch of them have been written."""
    held, most = 0, 0

    def windows(*_):
        nonlocal held, most
        for index in range(5000):
            held += 1
            most = max(most, held)
            yield Window((f"seq{index}",), f"seq{index}", 1, "ACGTACGTACGT", 0)

    @contextlib.contextmanager
    def table(*_):
        def write(keys, values):
            nonlocal held
            assert len(keys) == len(values[0])
            held -= len(keys)

        yield write

    monkeypatch.setattr("rckeras.io.windows.read_windows", windows)
    monkeypatch.setattr("zoo.prediction.open_table", table)
    source = write_fasta(tmp_path / "in.fa", ["ACGT"])
    summary = predict_file(model, source, batch_size=64)
    assert summary.rows == 5000
    assert most <= 65


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_run_leaves_no_file(model, fasta, tmp_path, monkeypatch, error):
    def windows(*_):
        yield Window(("a",), "a", 1, "ACGTACGTACGT", 0)
        raise error

    monkeypatch.setattr("rckeras.io.windows.read_windows", windows)
    with pytest.raises(error):
        predict_file(model, fasta, tmp_path / "out.tsv", batch_size=1)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_record_leaves_no_file(model, sequences, tmp_path):
    source = write_fasta(tmp_path / "in.fa", [*sequences, "ACGT", *sequences])
    with pytest.raises(ValueError, match=r"in\.fa:23: record 'seq11': it has 4 bases"):
        predict_file(model, source, tmp_path / "out.tsv", batch_size=2)
    assert list(tmp_path.iterdir()) == [source]


def test_an_existing_file_is_seen_before_any_work(fasta, tmp_path):
    (tmp_path / "out.tsv").write_text("old")
    with pytest.raises(FileExistsError, match="--force"):
        predict_file("no such network", fasta, tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text() == "old"


def test_a_network_nearly_named_is_suggested(fasta):
    with pytest.raises(ValueError, match="deepsea"):
        predict_file("deepsae", fasta)


def test_a_wrong_number_of_targets_is_refused(model, fasta):
    with pytest.raises(ValueError, match=r"the 2 outputs of the model.*3 names"):
        predict_file(model, fasta, targets=["a", "b", "c"])


def test_a_batch_of_nothing_is_refused(model, fasta):
    with pytest.raises(ValueError, match=r"`batch_size` must .*Received: 0"):
        predict_file(model, fasta, batch_size=0)


def test_a_model_of_several_outputs_is_refused(fasta):
    x = keras.Input((LENGTH, 4))
    y = keras.layers.GlobalAveragePooling1D()(x)
    with pytest.raises(ValueError, match=r"one output .*\(None, 4\), \(None, 4\)"):
        predict_file(keras.Model(x, [y, y]), fasta)


def test_a_model_of_profiles_is_refused(fasta):
    x = keras.Input((LENGTH, 4))
    y = keras.layers.Conv1D(2, 3)(x)
    with pytest.raises(ValueError, match=r"one output .*\(None, 10, 2\)"):
        predict_file(keras.Model(x, y), fasta)


def test_a_model_of_other_inputs_is_refused(fasta):
    x = keras.Input((LENGTH, 5))
    y = keras.layers.GlobalAveragePooling1D()(x)
    with pytest.raises(ValueError, match=r"\(batch, length, 4\).*\(None, 12, 5\)"):
        predict_file(keras.Model(x, y), fasta)


def test_a_model_without_known_input_is_refused(fasta):
    with pytest.raises(ValueError, match="known input"):
        predict_file(keras.Sequential([keras.layers.Dense(2)]), fasta)


@pytest.mark.parametrize(
    "name", ["nanog_h1esc.positives_test.fa", "nfe2_gm12878.test.fa"]
)
def test_real_peaks_are_predicted(shared_data, model, tmp_path, name):
    source, output = shared_data / name, tmp_path / "out.h5"
    records = [r.split("\n", 1) for r in source.read_text().split(">")[1:]]
    summary = predict_file(model, source, output, fit="both", average_strands=True)
    assert summary.rows == summary.cropped == len(records)
    with h5py.File(output) as file:
        assert list(file["name"].asstr()[:]) == [head.strip() for head, _ in records]
        assert ((file["predictions"][:] > 0) & (file["predictions"][:] < 1)).all()


def test_a_real_chromosome_is_predicted_window_by_window(
    shared_data, model, expect, tmp_path
):
    compressed = (shared_data / "hg38_chr1_first1Mb.fa.gz").read_bytes()
    genome, bed = tmp_path / "chr1.fa", tmp_path / "windows.bed"
    genome.write_bytes(gzip.decompress(compressed))
    letters = "".join(genome.read_text().split("\n")[1:])
    starts = range(0, len(letters) - 300, 300)
    bed.write_text("".join(f"chr1\t{s}\t{s + 300}\n" for s in starts))
    summary = predict_file(
        model, bed, tmp_path / "out.npz", genome=genome, fit="crop", batch_size=512
    )
    windows = [letters[s + 144 : s + 156] for s in starts]
    with np.load(tmp_path / "out.npz") as file:
        np.testing.assert_allclose(file["predictions"], expect(windows), atol=1e-6)
        np.testing.assert_array_equal(file["start"], starts)
    assert summary.rows == summary.cropped == len(starts)
    assert summary.ambiguous_letters == sum(w.upper().count("N") for w in windows)


def test_published_weights_predict_real_peaks_alike_on_both_strands(
    shared_data, tmp_path
):
    weights = shared_data / "prdm9_brown2018_keras2.weights.h5"
    lines = (shared_data / "nanog_h1esc.positives_test.fa").read_text().split()
    # The network reads 997 bases: an even difference leaves peaks in the centre.
    sequences = [line[:199] for line in lines if not line.startswith(">")][:8]
    turned = [reverse_complement_string(sequence) for sequence in sequences]
    numbers = []
    for name, strand in (("forward.fa", sequences), ("reverse.fa", turned)):
        source = write_fasta(tmp_path / name, strand)
        options = {"weights": weights, "fit": "pad", "mc_samples": 3}
        numbers.append(predict("prdm9", source, tmp_path, **options))
    np.testing.assert_allclose(*numbers, atol=1e-5)


def test_a_record_on_which_the_network_fails_is_named(tmp_path):
    x = keras.Input((None, 4))
    y = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(2, 10)(x))
    source = write_fasta(tmp_path / "in.fa", ["A" * 12, "ACG", "ACT"])
    message = r"in\.fa:3: record 'seq1' and 1 more of 3 bases: the network failed: "
    with pytest.raises(ValueError, match=message) as error:
        predict_file(keras.Model(x, y), source, tmp_path / "out.tsv")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.tsv").exists()


def test_input_is_never_replaced(model, fasta, tmp_path):
    copy = tmp_path / "in.tsv"
    copy.write_bytes(fasta.read_bytes())
    (tmp_path / "link.tsv").symlink_to(copy)
    for output in (copy, tmp_path / "link.tsv"):
        with pytest.raises(ValueError, match="must not be a file that is read"):
            predict_file(model, copy, output, overwrite=True)
    assert copy.read_bytes() == fasta.read_bytes()


@pytest.mark.parametrize("n_value", [3, -0.1, float("nan")])
def test_a_wrong_value_of_n_is_refused_before_anything_is_written(
    model, fasta, capsys, n_value
):
    with pytest.raises(ValueError, match=f"`n_value` must be .* Received: {n_value}"):
        predict_file(model, fasta, n_value=n_value)
    assert capsys.readouterr().out == ""


def write_dataset(path, rows=2100, length=LENGTH, **changes):
    """A dataset of more than two of the blocks that are read, and its letters."""
    dataset = make_dataset(rows, length, truth=None, **changes)
    save_dataset(dataset, path)
    return dataset, codes_to_letters(dataset.sequences)


@pytest.mark.parametrize(("length", "fit"), [(12, "error"), (15, "crop"), (9, "pad")])
def test_a_dataset_is_predicted_as_its_sequences_are(model, tmp_path, length, fit):
    data = tmp_path / "data.h5"
    _, letters = write_dataset(data, length=length)
    source, output = write_fasta(tmp_path / "in.fa", letters), tmp_path / "data.tsv"
    options = {"n_value": 0.25, "fit": fit, "average_strands": True}
    summary = predict_file(model, data, output, batch_size=500, **options)
    expected = predict(model, source, tmp_path, **options)
    np.testing.assert_allclose(read(output)[2], expected, atol=1e-6)
    again = predict_file(model, source, tmp_path / "again.tsv", **options)
    assert summary == again


def test_rows_of_a_split_keep_their_order_and_names(model, expect, tmp_path):
    dataset, letters = write_dataset(tmp_path / "data.h5")
    for split, rows in (
        ("validation", dataset.rows("validation")),
        (None, range(2100)),
    ):
        output = tmp_path / f"{split}.tsv"
        summary = predict_file(model, tmp_path / "data.h5", output, split=split)
        header, keys, numbers = read(output)
        assert header[0] == "name"
        assert keys == [(f"séquence {row}",) for row in rows]
        expected = expect([letters[row] for row in rows])
        np.testing.assert_allclose(numbers, expected, atol=1e-6)
        assert summary.rows == len(rows)


def test_rows_of_a_dataset_without_names_are_numbered(model, tmp_path):
    dataset, _ = write_dataset(tmp_path / "data.h5", columns={})
    predict_file(model, tmp_path / "data.h5", tmp_path / "out.tsv", split="test")
    keys = read(tmp_path / "out.tsv")[1]
    assert keys == [(str(row),) for row in dataset.rows("test")]


@pytest.mark.parametrize("named", [True, False])
def test_rows_of_a_dataset_with_intervals_are_called_by_them(model, tmp_path, named):
    start = np.arange(2100) * 7
    columns = {"chrom": np.full(2100, "chr2"), "start": start, "end": start + 30}
    if named:
        columns |= {"name": np.full(2100, "p"), "strand": np.resize(["+", "-"], 2100)}
    write_dataset(tmp_path / "data.h5", columns=columns)
    summary = predict_file(model, tmp_path / "data.h5", tmp_path / "out.tsv")
    header, keys, _ = read(tmp_path / "out.tsv", keys=5)
    assert header[:5] == ["chrom", "start", "end", "name", "strand"]
    rest = ("p", "-") if named else (".", ".")
    assert keys[2099] == ("chr2", str(2099 * 7), str(2099 * 7 + 30), *rest)
    assert len(keys) == 2100
    assert summary.duplicate_names == (2099 if named else 0)


def test_a_dataset_of_another_length_is_refused_unless_it_may_be_fitted(
    model, tmp_path
):
    write_dataset(tmp_path / "data.h5", length=31)
    message = r"data\.h5:0: record 'séquence 0': it has 31 bases and 12 are needed"
    with pytest.raises(ValueError, match=message):
        predict_file(model, tmp_path / "data.h5", tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


def test_what_is_meant_for_other_inputs_is_refused(model, fasta, tmp_path):
    data = tmp_path / "data.h5"
    write_dataset(data, splits=False)
    with pytest.raises(ValueError, match=r"--split.*split='test' with .*in\.fa"):
        predict_file(model, fasta, split="test")
    with pytest.raises(ValueError, match=r"data\.h5 is a dataset; `genome`"):
        predict_file(model, data, genome=fasta)
    with pytest.raises(ValueError, match="has no splits"):
        predict_file(model, data, split="test")
    with pytest.raises(ValueError, match=r"`fit` must be .* Received: 'stretch'"):
        predict_file(model, data, fit="stretch")


def test_one_is_singular():
    assert str(PredictionSummary(rows=1, cropped=1)) == "1 row, 1 cropped"
    assert str(PredictionSummary(rows=2, duplicate_names=1)) == (
        "2 rows, 1 duplicate name"
    )
