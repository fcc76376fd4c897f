import keras
import numpy as np
import pytest

from zoo.auc import MeanAUC


def draw(seed, rows=200, targets=5):
    """Labels, of which those of targets 1 and 3 are all alike, and predictions."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((rows, targets)) < 0.4).astype("float32")
    labels[:, 1], labels[:, 3] = 0, 1
    return labels, (0.5 * rng.random((rows, targets)) + 0.3 * labels).astype("float32")


def reference(labels, predictions, target, curve):
    metric = keras.metrics.AUC(curve=curve)
    metric.update_state(labels[:, target], predictions[:, target])
    return float(metric.result())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("curve", ["ROC", "PR"])
def test_targets_of_one_class_are_left_out(curve, seed):
    labels, predictions = draw(seed)
    metric = MeanAUC(5, curve=curve)
    metric.update_state(labels, predictions)
    each = [reference(labels, predictions, target, curve) for target in (0, 2, 4)]
    assert float(metric.result()) == pytest.approx(np.mean(each), abs=1e-6)


@pytest.mark.parametrize("curve", ["ROC", "PR"])
def test_one_target_is_measured_as_keras_does(curve):
    labels, predictions = draw(0)
    metric = MeanAUC(1, curve=curve)
    metric.update_state(labels[:, :1], predictions[:, :1])
    expected = reference(labels, predictions, 0, curve)
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_of_no_target_with_both_classes_it_is_0():
    metric = MeanAUC(2)
    metric.update_state(np.zeros((4, 2)), np.full((4, 2), 0.5))
    assert float(metric.result()) == 0


@pytest.mark.parametrize("jit", [False, True])
def test_in_training_it_is_what_it_is_alone(jit):
    labels, x = draw(1)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5, "sigmoid")])
    metrics = [MeanAUC(5, name="auroc")]
    model.compile("adam", "binary_crossentropy", metrics=metrics, jit_compile=jit)
    model.fit(x, labels, verbose=0)
    found = model.evaluate(x, labels, verbose=0, return_dict=True)["auroc"]
    alone = MeanAUC(5)
    alone.update_state(labels, model.predict(x, verbose=0))
    assert found == pytest.approx(float(alone.result()), abs=0.01)
