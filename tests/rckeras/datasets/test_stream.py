import copy
import functools
import pickle
import threading

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.datasets import (
    FollowEpoch,
    SequenceStream,
    load_dataset,
    save_dataset,
)
from rckeras.sequence import codes_to_one_hot, reverse_complement_codes
from rckeras.symmetry import reverse_complement
from tests.rckeras.datasets.sets import make_dataset


def numbered(rows=97, **changes):
    """A dataset whose sequences tell their row: its binary digits as A and C."""
    digits = (np.arange(rows)[:, None] >> np.arange(31)) & 1
    return make_dataset(rows, sequences=digits.astype("uint8"), **changes)


def rows_of(x):
    """Rows of `numbered` that a batch holds."""
    return (x[:, :, 1] @ (2.0 ** np.arange(x.shape[1]))).astype(int)


def epoch_of(stream):
    return [stream[i] for i in range(stream.num_batches)]


@given(st.integers(1, 120), st.integers(1, 200), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_an_epoch_gives_every_row_once(batch_size, rows, seed):
    stream = SequenceStream(numbered(rows), batch_size, seed=seed)
    batches = epoch_of(stream)
    assert len(batches) == len(stream) == -(-rows // batch_size)
    drawn = np.concatenate([rows_of(x) for x, _ in batches])
    assert sorted(drawn) == list(range(rows))


def test_labels_go_with_their_sequences():
    dataset = numbered()
    stream = SequenceStream(dataset, 10, targets=[2, "target 0"], strands="forward")
    for x, y in epoch_of(stream):
        np.testing.assert_array_equal(y, dataset.labels[rows_of(x)][:, [2, 0]])
        assert (x.dtype, y.dtype) == ("float32", "float32")


def test_without_shuffling_rows_come_in_order_in_every_epoch():
    stream = SequenceStream(numbered(), 10, shuffle=False)
    for _ in range(3):
        drawn = np.concatenate([rows_of(x) for x, _ in epoch_of(stream)])
        np.testing.assert_array_equal(drawn, np.arange(97))
        stream.epoch += 1


@pytest.mark.parametrize("split", ["validation", "test"])
def test_what_is_held_out_comes_in_order(split):
    dataset = numbered()
    drawn = [rows_of(x) for x, _ in epoch_of(SequenceStream(dataset, 8, split=split))]
    np.testing.assert_array_equal(np.concatenate(drawn), dataset.rows(split))


def test_each_epoch_has_an_order_of_its_own_that_follows_from_the_seed():
    def orders(seed):
        stream = SequenceStream(numbered(), 97, seed=seed)
        drawn = []
        for _ in range(3):
            drawn.append(tuple(rows_of(stream[0][0])))
            stream.epoch += 1
        return drawn

    assert orders(3) == orders(3)
    assert len({*orders(3), *orders(4)}) == 6


def test_shuffling_mixes_well():
    """Neighbours of an epoch are no nearer in the dataset than chance has it."""
    stream = SequenceStream(numbered(2000), 2000, seed=0)
    distance = np.abs(np.diff(rows_of(stream[0][0]))).mean()
    assert abs(distance / 2000 - 1 / 3) < 0.02


@given(st.integers(1, 300), st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_epochs_of_any_size_go_on_where_the_last_one_ended(samples, batch_size):
    stream = SequenceStream(numbered(50), batch_size, samples_per_epoch=samples, seed=1)
    drawn = []
    for _ in range(4):
        epoch = np.concatenate([rows_of(x) for x, _ in epoch_of(stream)])
        assert len(epoch) == samples
        drawn.extend(epoch)
        stream.epoch += 1
    for start in range(0, len(drawn) - 49, 50):
        assert sorted(drawn[start : start + 50]) == list(range(50))


def test_a_batch_does_not_depend_on_what_was_drawn_before():
    options = {"strands": "random", "max_shift": 2, "seed": 5}
    stream = SequenceStream(make_dataset(), 10, **options)
    for _ in range(2):
        epoch_of(stream)
        stream.epoch += 1
    again = SequenceStream(make_dataset(), 10, **options)
    again.epoch = 2
    for index in (7, 0, 3):
        for got, expected in zip(again[index], stream[index], strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_only_the_rows_of_the_split_are_drawn(split):
    dataset = numbered()
    drawn = [rows_of(x) for x, _ in epoch_of(SequenceStream(dataset, 8, split=split))]
    np.testing.assert_array_equal(sorted(np.concatenate(drawn)), dataset.rows(split))


def test_rows_can_be_chosen():
    dataset = numbered()
    rows = dataset.rows("train", any_of=["target 1"])
    drawn = [rows_of(x) for x, _ in epoch_of(SequenceStream(dataset, 8, rows=rows))]
    np.testing.assert_array_equal(sorted(np.concatenate(drawn)), rows)


def test_both_strands_alternate_and_their_predictions_average():
    dataset = make_dataset()
    both = SequenceStream(dataset, 10, shuffle=False, strands="both")
    x = np.concatenate([batch[0] for batch in epoch_of(both)])
    y = np.concatenate([batch[1] for batch in epoch_of(both)])
    forward = codes_to_one_hot(dataset.sequences)
    np.testing.assert_array_equal(x[::2], forward)
    np.testing.assert_array_equal(x[1::2], reverse_complement(forward))
    np.testing.assert_array_equal(y[::2], dataset.labels)
    np.testing.assert_array_equal(y[1::2], dataset.labels)


def test_random_strands_turn_about_half_of_the_sequences():
    dataset = make_dataset(rows=2000)
    stream = SequenceStream(dataset, 2000, shuffle=False, strands="random")
    forward = codes_to_one_hot(dataset.sequences)
    turned = []
    for _ in range(2):
        x, _ = stream[0]
        same = (x == forward).all(axis=(1, 2))
        other = (x == reverse_complement(forward)).all(axis=(1, 2))
        assert (same ^ other).all()
        assert 0.45 < other.mean() < 0.55
        turned.append(other)
        stream.epoch += 1
    assert 0.4 < (turned[0] != turned[1]).mean() < 0.6


def moves(x, dataset, length, reach):
    """By how many bases each window of a batch was moved, N filled in."""
    padded = np.pad(dataset.sequences, ((0, 0), (reach, reach)), constant_values=4)
    start = (dataset.length - length) // 2
    found = np.full(len(x), 99)
    for moved in range(-reach, reach + 1):
        window = padded[:, start + reach + moved :][:, :length]
        hit = (codes_to_one_hot(window) == x).all(axis=(1, 2))
        found[hit] = moved
    return found


def test_shifts_are_uniform_and_fill_with_n():
    dataset = make_dataset(rows=3000)
    stream = SequenceStream(dataset, 3000, shuffle=False, max_shift=3)
    moved = moves(stream[0][0], dataset, dataset.length, 3)
    counts = np.bincount(moved + 3, minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 3000 / 7).max() < 5 * np.sqrt(3000 / 7)


def test_jitter_moves_over_stored_bases():
    dataset = make_dataset(rows=3000)
    stream = SequenceStream(dataset, 3000, shuffle=False, length=25, max_jitter=3)
    moved = moves(stream[0][0], dataset, 25, 3)
    counts = np.bincount(moved + 3, minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 3000 / 7).max() < 5 * np.sqrt(3000 / 7)


@pytest.mark.parametrize("length", [31, 30, 7, 1])
def test_windows_are_the_central_bases(length):
    dataset = make_dataset()
    x, _ = SequenceStream(dataset, 97, shuffle=False, length=length)[0]
    start = (31 - length) // 2
    expected = codes_to_one_hot(dataset.sequences[:, start : start + length])
    np.testing.assert_array_equal(x, expected)


@given(st.floats(0.1, 0.9), st.integers(4, 50))
@settings(max_examples=30, deadline=None)
def test_batches_have_the_share_of_positives_asked_for(fraction, batch_size):
    labels = (np.arange(97) % 10 == 0).astype("uint8")[:, None]
    dataset = numbered(targets=1, labels=labels, truth=None)
    share = round(fraction * batch_size)
    if not 0 < share < batch_size:
        return
    stream = SequenceStream(dataset, batch_size, positive_fraction=fraction)
    drawn = []
    for _ in range(3):
        for x, y in epoch_of(stream):
            assert (len(y), y.sum()) == (batch_size, share)
            np.testing.assert_array_equal(y, labels[rows_of(x)])
            drawn.extend(rows_of(x))
        stream.epoch += 1
    for kind in (0, 1):
        counts = np.bincount(drawn, minlength=97)[labels[:, 0] == kind]
        assert counts.max() - counts.min() <= 1


def test_class_weights_come_as_sample_weights():
    labels = (np.arange(97) % 10 == 0).astype("uint8")[:, None]
    dataset = make_dataset(targets=1, labels=labels, truth=None, splits=False)
    for given_weight in ("balanced", {0: 1, 1: 8.7}):
        stream = SequenceStream(dataset, 20, class_weight=given_weight)
        for _, y, weights in epoch_of(stream):
            assert weights.dtype == np.float32
            np.testing.assert_allclose(weights, np.where(y[:, 0] == 1, 8.7, 1))


def test_n_has_the_value_asked_for():
    dataset = make_dataset(sequences=np.full((97, 31), 4, "uint8"))
    assert (SequenceStream(dataset, n_value=0.25)[0][0] == 0.25).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` .* from 1. Received: 0"),
        ({"batch_size": 2.5}, "Received: 2.5"),
        ({"seed": -1}, "`seed` .* from 0. Received: -1"),
        ({"strands": "reverse"}, "'forward', 'random', 'both'.*'reverse'"),
        ({"split": "dev"}, "Received: 'dev'"),
        ({"split": "train", "rows": np.arange(3)}, "not both.*3 rows"),
        ({"rows": np.array([97])}, "from 0 to 96. Received: 97 to 97"),
        ({"rows": np.array([0.5])}, "numbers of rows.*float64"),
        ({"targets": ["no"]}, r"3 targets. Received: \['no'\]"),
        ({"length": 32}, "from 1 to 31. Received: 32"),
        ({"max_jitter": 1}, "at most 0: 31 of 31"),
        ({"length": 20, "max_jitter": 6}, "at most 5: 20 of 31"),
        ({"positive_fraction": 1.0}, "both classes a place.*Received: 1.0"),
        ({"positive_fraction": 0.5, "shuffle": False}, "needs shuffle=True"),
        ({"class_weight": "balanced"}, "one target. Received: 3"),
        (
            {"targets": [0], "class_weight": {0: 1}},
            "'balanced' or weights from 0 for 0 and 1",
        ),
        ({"targets": [0], "class_weight": 5}, "Received: 5"),
        ({"targets": [0], "class_weight": {0: 1, 1: -5}}, "from 0 for 0 and 1"),
        ({"positive_fraction": float("nan")}, "Received: nan"),
        (
            {"targets": [0], "class_weight": "balanced", "positive_fraction": 0.5},
            "both. Received: 'balanced' and 0.5",
        ),
        ({"n_value": 3}, "from 0 to 1. Received: 3"),
        ({"samples_per_epoch": 0}, "from 1. Received: 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SequenceStream(make_dataset(), **options)


def test_a_share_of_positives_needs_both_classes():
    labels = np.zeros((97, 3), "uint8")
    with pytest.raises(ValueError, match="0 with, 97 without"):
        SequenceStream(make_dataset(labels=labels), positive_fraction=0.5)


def test_batches_out_of_range_and_odd_pairs_are_refused():
    with pytest.raises(IndexError, match="batch 1 of 1"):
        SequenceStream(make_dataset())[1]


def small_model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((31, 4)),
            keras.layers.Conv1D(4, 5, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(3, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model


@functools.cache
def fitted(folder, threads):
    """Losses, and weights at the end, of a fit on a dataset in a file."""
    path = folder / "set.h5"
    if not path.exists():
        save_dataset(make_dataset(), path)
    dataset = load_dataset(path)
    stream = SequenceStream(
        dataset,
        16,
        split="train",
        strands="random",
        max_shift=2,
        threads=threads,
    )
    valid = SequenceStream(dataset, 16, split="validation", shuffle=False)
    model = small_model()
    history = model.fit(
        stream,
        validation_data=valid,
        epochs=3,
        shuffle=False,
        verbose=0,
        callbacks=[FollowEpoch(stream)],
    )
    assert stream.epoch == 3
    return history.history, model.get_weights()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stream")


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_fit_is_the_same_with_any_number_of_threads(folder, threads):
    history, weights = fitted(folder, threads)
    expected_history, expected_weights = fitted(folder, 0)
    for name, values in expected_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5)
    for got, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


@given(st.lists(st.integers(0, 12), max_size=30), st.integers(0, 4))
@settings(max_examples=30, deadline=None)
def test_batches_are_the_same_in_any_order_of_asking(order, threads):
    options = {"batch_size": 8, "strands": "random", "max_shift": 1}
    stream = SequenceStream(make_dataset(), threads=threads, **options)
    plain = SequenceStream(make_dataset(), threads=0, **options)
    for index in [*order, *range(13)]:
        for got, expected in zip(stream[index], plain[index], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_the_next_batches_are_made_ahead_in_threads():
    made = []

    class Watched(SequenceStream):
        def _make(self, epoch, index):
            made.append((index, threading.current_thread() is threading.main_thread()))
            return super()._make(epoch, index)

    stream = Watched(make_dataset(), 8, threads=2)
    epoch_of(stream)
    assert sorted(index for index, _ in made) == list(range(13))
    assert [index for index, here in made if here] == [0, 1]


def test_a_stream_in_use_can_be_sent_to_another_process():
    stream = SequenceStream(make_dataset(), 8, threads=2, strands="random")
    expected = epoch_of(stream)
    for got, batch in zip(
        epoch_of(pickle.loads(pickle.dumps(stream))), expected, strict=True
    ):
        np.testing.assert_array_equal(got[0], batch[0])


def test_a_copied_callback_moves_the_same_stream():
    stream = SequenceStream(make_dataset())
    copy.deepcopy(FollowEpoch(stream)).on_epoch_begin(5)
    assert stream.epoch == 5


def test_training_taken_up_again_sees_what_it_would_have_seen():
    def fit(model, first, last):
        stream = SequenceStream(make_dataset(), 16, strands="random", seed=2)
        model.compile("sgd", "binary_crossentropy")
        model.fit(
            stream,
            initial_epoch=first,
            epochs=last,
            shuffle=False,
            verbose=0,
            callbacks=[FollowEpoch(stream)],
        )
        return model.get_weights()

    whole = fit(small_model(), 0, 4)
    resumed = small_model()
    resumed.set_weights(fit(small_model(), 0, 2))
    for got, expected in zip(fit(resumed, 2, 4), whole, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_epochs_of_fit_that_are_not_those_of_the_stream_are_refused():
    stream = SequenceStream(make_dataset(), 16)
    with pytest.raises(ValueError, match=r"`samples_per_epoch` instead.*3 steps for 7"):
        small_model().fit(
            stream, steps_per_epoch=3, verbose=0, callbacks=[FollowEpoch(stream)]
        )


def test_a_stream_counts_the_epochs_of_fit_itself():
    stream = SequenceStream(make_dataset(), 16)
    model = small_model()
    model.fit(stream, epochs=1, verbose=0)
    assert stream.epoch == 1
    model.fit(stream, epochs=2, verbose=0)
    assert stream.epoch == 3


def test_reversal_is_of_the_codes_that_were_stored():
    dataset = make_dataset()
    turned = reverse_complement_codes(dataset.sequences)
    both = SequenceStream(dataset, 97, shuffle=False, strands="both")[0][0]
    np.testing.assert_array_equal(both[1::2], codes_to_one_hot(turned))
