import json
import math

import keras
import numpy as np
import pytest

from zoo.checkpoints import Checkpoints, clear_run, find_run, open_run


def after(numbers, monitor="val_loss", patience=2):
    """Checkpoints after epochs in which the monitored number was as given."""
    found = Checkpoints(None, monitor, patience, seed=0)
    found.history = [{"loss": 1.0, monitor or "loss": number} for number in numbers]
    return found


@pytest.mark.parametrize(
    ("monitor", "numbers", "best"),
    [
        ("val_loss", [3.0, 1.0, 2.0], 1),
        ("val_loss", [3.0, 1.0, 1.0], 1),
        ("val_auroc", [0.5, 0.9, 0.7], 1),
        ("val_auprc", [0.5, 0.9, 0.9], 1),
        ("loss", [0.5, math.nan, 0.9], 0),
        ("val_loss", [math.nan, math.inf], None),
        (None, [3.0, 1.0, 2.0], 2),
        (None, [3.0, 1.0, math.nan], 1),
        (None, [], None),
    ],
)
def test_the_best_epoch_is_the_first_one_with_the_best_number(monitor, numbers, best):
    assert after(numbers, monitor).best == best


def test_an_epoch_whose_loss_is_not_finite_is_never_the_best():
    found = after([0.4, 0.0, 0.9], "val_auroc")
    found.history[2]["loss"] = math.nan
    assert found.best == 0
    found.history[0]["loss"] = found.history[1]["loss"] = math.inf
    assert found.best is None


@pytest.mark.parametrize(
    ("monitor", "numbers", "exhausted"),
    [
        ("val_loss", [], False),
        ("val_loss", [3.0, 1.0, 2.0], False),
        ("val_loss", [3.0, 1.0, 2.0, 1.0], True),
        ("val_auroc", [0.5, 0.4, 0.3], True),
        ("val_auroc", [0.5, 0.4, 0.6], False),
        ("val_loss", [math.nan], False),
        ("val_loss", [math.nan, math.nan], True),
        (None, [1.0, 2.0, 3.0, 4.0], False),
        (None, [1.0, math.nan], True),
    ],
)
def test_training_ends_where_patience_or_the_loss_does(monitor, numbers, exhausted):
    assert after(numbers, monitor).exhausted == exhausted


def test_training_ends_in_the_epoch_in_which_keras_ends_it():
    rng = np.random.default_rng(0)
    for patience in (1, 2, 3):
        values = rng.random(40).tolist()
        stopping = keras.callbacks.EarlyStopping(patience=patience, mode="min")
        stopping.set_model(keras.Sequential())
        stopping.on_train_begin()
        for epoch, value in enumerate(values):
            stopping.on_epoch_end(epoch, {"val_loss": value})
            expected = bool(getattr(stopping.model, "stop_training", False))
            found = after(values[: epoch + 1], patience=patience)
            assert found.exhausted == expected
            assert found.best == stopping.best_epoch
            if expected:
                break
        assert expected


def test_another_run_is_named_and_only_given_up_when_told(tmp_path):
    folder = tmp_path / "run"
    open_run(folder, {"epochs": 5, "seed": 0}, overwrite=False)
    (folder / "state.npz").write_text("kept")
    open_run(folder, {"epochs": 5, "seed": 0}, overwrite=True)
    assert (folder / "state.npz").read_text() == "kept"
    with pytest.raises(ValueError, match=r"run holds .*: seed was 0 and is 1\. Give"):
        open_run(folder, {"epochs": 5, "seed": 1}, overwrite=False)
    assert (folder / "state.npz").read_text() == "kept"
    open_run(folder, {"epochs": 5, "seed": 1}, overwrite=True)
    assert not (folder / "state.npz").exists()
    assert find_run(folder) == {"epochs": 5, "seed": 1}


def test_clearing_leaves_what_others_put_there(tmp_path):
    folder = tmp_path / "run"
    open_run(folder, {}, overwrite=False)
    (folder / "notes.txt").write_text("mine")
    clear_run(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    open_run(folder, {}, overwrite=False)
    clear_run(folder)
    assert not folder.exists()


def test_facts_come_back_as_json_has_them(tmp_path):
    facts = {"a": None, "b": 0.1, "c": ["x"], "d": "é"}
    open_run(tmp_path / "run", facts, overwrite=False)
    assert json.loads(json.dumps(find_run(tmp_path / "run"))) == facts


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_a_damaged_state_is_named(tmp_path, content):
    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.npz was damaged; remove"):
        Checkpoints(tmp_path, "val_loss", 2, seed=0).restore(None)


def test_the_time_goes_on_after_a_break(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = {"x": np.ones((2, 1)), "y": np.ones((2, 1)), "verbose": 0}
    before = Checkpoints(tmp_path, "loss", 5, seed=0)
    model.fit(**data, epochs=2, callbacks=[before])
    after = Checkpoints(tmp_path, "loss", 5, seed=0)
    after.restore(model)
    assert after.seconds == before.seconds > 0
    model.fit(**data, initial_epoch=2, epochs=3, callbacks=[after])
    assert after.seconds > before.seconds


def test_narrow_floats_come_back_as_they_were(tmp_path):
    keras.config.set_dtype_policy("bfloat16")
    try:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile("adam", "mse")
        checkpoints = Checkpoints(tmp_path, "loss", 2, seed=0)
        x = np.ones((4, 3), "float32")
        model.fit(x, np.zeros((4, 2)), epochs=2, callbacks=[checkpoints], verbose=0)
        expected = [keras.ops.convert_to_numpy(w) for w in model.weights]
        again = keras.models.clone_model(model)
        again.compile("adam", "mse")
        Checkpoints(tmp_path, "loss", 2, seed=0).restore(again)
        found = keras.models.clone_model(model)
        found.set_weights(checkpoints.best_weights())
    finally:
        keras.config.set_dtype_policy("float32")
    for old, one, other in zip(expected, again.weights, found.weights, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(one))
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(other))


def test_a_process_whose_run_is_taken_over_stops_and_changes_nothing(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = {"x": np.ones((2, 1)), "y": np.ones((2, 1)), "verbose": 0}
    first, second = (Checkpoints(tmp_path, "loss", 5, seed=0) for _ in range(2))
    begin = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epoch == 1 and second.on_train_begin()
    )
    with pytest.raises(RuntimeError, match="another process has gone on with"):
        model.fit(**data, epochs=3, callbacks=[begin, first])
    again = keras.models.clone_model(model)
    again.compile("sgd", "mse")
    second.restore(again)
    assert len(second.history) == 1
    again.fit(**data, initial_epoch=1, epochs=3, callbacks=[second])
    assert len(second.history) == 3
