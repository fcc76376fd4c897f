import dataclasses
import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.datasets import Dataset
from zoo.checkpoints import Checkpoints, ReduceRate, open_run
from zoo.learning import (
    TrainingSettings,
    compile_learner,
    fit,
    make_streams,
    resolve_monitor,
    settle,
)
from zoo.registry import describe

LENGTH, ROWS = 12, 96


def make_dataset(divided=True, labels=None):
    rng = np.random.default_rng(0)
    splits = np.repeat([0, 1], [64, 32]).astype("uint8") if divided else None
    drawn = rng.integers(0, 2, (ROWS, 1)).astype("uint8")
    return Dataset(
        rng.integers(0, 4, (ROWS, LENGTH)).astype("uint8"),
        drawn if labels is None else labels,
        ("bound",),
        splits,
    )


def make_network():
    keras.utils.set_random_seed(0)
    x = keras.Input((LENGTH, 4))
    y = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(x))
    return keras.Model(x, y)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("conjoined", "off", "True or False. Received: 'off'"),
        ("freeze", 1, "True or False. Received: 1"),
        ("epochs", 20.0, r"a whole number. Received: 20\.0"),
        ("patience", True, "a whole number. Received: True"),
        ("batch_size", None, "a whole number. Received: None"),
        ("length", "100", "a whole number. Received: '100'"),
    ],
)
def test_settings_of_another_kind_are_refused(name, value, words):
    with pytest.raises(ValueError, match=f"`{name}` must be {words}"):
        TrainingSettings(**{name: value})
    assert TrainingSettings(epochs=np.int64(3), length=None).epochs == 3


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_steps_are_divided_as_in_keras_2(decay):
    learning_rate, beta1, beta2, epsilon = 0.1, 0.9, 0.999, 1e-7
    chosen = TrainingSettings(learning_rate=learning_rate, decay=decay)
    optimizer = compile_learner(make_network(), make_dataset(), chosen).optimizer
    variable = keras.Variable(np.zeros(3, "float32"))
    optimizer.build([variable])
    expected, mean, square = np.zeros(3), np.zeros(3), np.zeros(3)
    for batch, gradient in enumerate(np.random.default_rng(0).normal(size=(6, 3))):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")])
        # Kingma and Ba 2015, algorithm 1, with the rate of Keras 2.
        rate = learning_rate / (1 + decay * batch)
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        step = mean / (1 - beta1 ** (batch + 1))
        step /= np.sqrt(square / (1 - beta2 ** (batch + 1))) + epsilon
        expected -= rate * step
        found = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def reductions_of_keras(numbers, monitor, after):
    """The step sizes after each epoch, from 1, halved."""
    mode = "min" if monitor.endswith("loss") else "max"
    callback = keras.callbacks.ReduceLROnPlateau(
        monitor, factor=0.5, patience=after, mode=mode, min_delta=0, cooldown=0
    )
    model = keras.Sequential()
    model.optimizer = keras.optimizers.SGD(1.0)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, number in enumerate(numbers):
        callback.on_epoch_end(epoch, {monitor: number})
        rates.append(float(model.optimizer.learning_rate))
    return rates


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, math.nan]), max_size=20),
    st.sampled_from(["loss", "val_loss", "val_auroc"]),
    st.integers(1, 4),
)
@settings(deadline=None, max_examples=60)
def test_reductions_are_those_of_keras(numbers, monitor, after):
    numbers = [0.3, *numbers]  # Keras finds nothing better than NaN
    checkpoints = Checkpoints(None, monitor, patience=100, seed=0)
    rates = []
    for number in numbers:
        checkpoints.history.append({monitor: number})
        rates.append(0.5 ** checkpoints.reductions(after))
    assert rates == reductions_of_keras(numbers, monitor, after)


@pytest.mark.parametrize(
    ("changes", "rates"),
    [
        ({}, [0.1, 0.1, 0.1, 0.02, 0.02, 0.004]),
        ({"reduce_factor": 0.5}, [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]),
        ({"min_learning_rate": 0.01}, [0.1, 0.1, 0.1, 0.02, 0.02, 0.01]),
        ({"min_learning_rate": 0.5}, [0.1] * 6),
    ],
)
def test_the_step_size_is_reduced_as_the_settings_say(changes, rates):
    chosen = TrainingSettings(learning_rate=0.1, reduce_after=2, **changes)
    checkpoints = Checkpoints(None, "val_loss", patience=100, seed=0)
    callback = ReduceRate(checkpoints, chosen)
    callback.set_model(compile_learner(make_network(), make_dataset(), chosen))
    for epoch, rate in enumerate(rates):
        callback.on_epoch_begin(epoch)
        found = float(callback.model.optimizer.learning_rate)
        assert found == pytest.approx(rate)
        checkpoints.history.append({"val_loss": 1.0})


REDUCED = TrainingSettings(
    epochs=5,
    batch_size=16,
    learning_rate=0.5,
    reduce_after=1,
    strands="forward",
    n_value=0.0,
)
DECAYED = dataclasses.replace(REDUCED, reduce_after=None, decay=0.2)


class StoppedError(Exception):
    """What stands for a kill."""


def train(chosen, folder):
    """History, weights and last step size of a training."""
    dataset = make_dataset()
    learner = compile_learner(make_network(), dataset, chosen)
    chosen = resolve_monitor(chosen, learner, held_out=True)
    open_run(folder, {}, overwrite=False)
    keras.utils.set_random_seed(0)
    checkpoints = fit(learner, make_streams(dataset, chosen), chosen, folder, False)
    rate = float(learner.optimizer.learning_rate)
    return checkpoints.history, learner.get_weights(), rate


@pytest.mark.parametrize("chosen", [REDUCED, DECAYED], ids=["reduced", "decayed"])
def test_a_break_does_not_change_the_step_size(chosen, tmp_path, monkeypatch):
    history, weights, rate = train(chosen, tmp_path / "whole")
    assert rate < chosen.learning_rate / 3
    end = Checkpoints.on_epoch_end
    with monkeypatch.context() as patch:

        def stop(self, epoch, logs=None):
            if epoch == 3:
                raise StoppedError
            end(self, epoch, logs)

        patch.setattr(Checkpoints, "on_epoch_end", stop)
        with pytest.raises(StoppedError):
            train(chosen, tmp_path / "broken")
    found = train(chosen, tmp_path / "broken")
    assert found[2] == pytest.approx(rate)
    for one, other in zip(found[0], history, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    for one, other in zip(found[1], weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decay": -0.1}, r"`decay` must be at least 0. Received: -0\.1"),
        ({"decay": math.nan}, r"`decay` must be .* Received: nan"),
        ({"reduce_after": 0}, "`reduce_after` must be .* Received: 0 and 0.2"),
        ({"reduce_after": 1, "reduce_factor": 1.0}, "`reduce_factor` .*: 1 and 1.0"),
        ({"reduce_after": 1, "reduce_factor": 0.0}, "`reduce_factor` .*: 1 and 0.0"),
        (
            {"reduce_after": 1, "min_learning_rate": -1.0},
            r"`min_learning_rate` must be at least 0. Received: -1\.0",
        ),
        ({"reduce_after": 3, "decay": 0.1}, "which lower .* Received: 0.1 and 3"),
    ],
)
def test_schedules_out_of_range_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        TrainingSettings(**changes)


def test_without_epochs_to_compare_steps_cannot_be_reduced():
    dataset = make_dataset(divided=False)
    learner = compile_learner(make_network(), dataset, REDUCED)
    with pytest.raises(ValueError, match="`reduce_after` needs epochs to be compared"):
        resolve_monitor(REDUCED, learner, held_out=False)
    chosen = dataclasses.replace(REDUCED, monitor="loss")
    assert resolve_monitor(chosen, learner, held_out=False) == chosen


def test_accuracy_can_be_monitored_where_labels_are_classes():
    chosen = dataclasses.replace(REDUCED, monitor="val_accuracy")
    learner = compile_learner(make_network(), make_dataset(), chosen)
    assert resolve_monitor(chosen, learner, held_out=True) == chosen
    shares = np.full((ROWS, 1), 0.5, "float32")
    learner = compile_learner(make_network(), make_dataset(labels=shares), chosen)
    with pytest.raises(ValueError, match="must be one of loss, val_loss with"):
        resolve_monitor(chosen, learner, held_out=True)


@pytest.mark.parametrize(
    ("name", "strands"),
    [("shrikumar-sim-rc", "forward"), ("shrikumar-sim-20", "random")],
)
def test_settings_that_are_left_open_follow_the_card(name, strands):
    found = settle(TrainingSettings(), describe(name))
    assert (found.strands, found.n_value) == (strands, describe(name).n_value)
    given = TrainingSettings(strands="both", n_value=0.5, learning_rate=0.5)
    assert settle(given, describe(name)) == given
    assert settle(TrainingSettings()).strands == "random"


def test_the_step_size_is_what_the_card_advises_for_the_start():
    card = describe("brown-sim")
    assert settle(TrainingSettings(), card).learning_rate == card.learning_rate
    tuned = settle(TrainingSettings(weights="default"), card)
    assert tuned.learning_rate == card.fine_tuning_rate < card.learning_rate
    assert settle(TrainingSettings()).learning_rate == 1e-3


@pytest.mark.parametrize("number", [np.int64(3), np.int32(3), np.uint8(3)])
def test_numbers_of_numpy_become_those_of_python(number):
    found = TrainingSettings(
        epochs=number, learning_rate=np.float32(0.5), decay=number, max_shift=number
    )
    assert type(found.epochs) is type(found.max_shift) is int
    assert type(found.learning_rate) is type(found.decay) is float
    assert found == TrainingSettings(
        epochs=3, learning_rate=0.5, decay=3.0, max_shift=3
    )


@pytest.mark.parametrize("value", ["1e-3", True, [0.1]])
def test_a_rate_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"`learning_rate` must be a number\."):
        TrainingSettings(learning_rate=value)
