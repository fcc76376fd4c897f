"""DanQ's files give the numbers that Keras 0.2 on Theano gave."""

import h5py
import keras
import numpy as np
import pytest

from tests.reference import danq as reference
from zoo.architectures.brown import prdm9
from zoo.architectures.danq import danq, danq_jaspar, rc_danq
from zoo.porting.keras0 import DANQ, DANQ_JASPAR, layer_names, port, read_keras0

LENGTH = 31
DANGLING = h5py.SoftLink("/nowhere")
ACGT_TO_AGCT = [0, 2, 1, 3]
NETWORKS = {
    "danq": (danq, (6, 8), {"filters": 6, "kernel_size": 5, "pool_size": 3}),
    "jaspar": (danq_jaspar, (6, 7), {"filters": 5, "kernel_size": 8, "pool_size": 4}),
}


def build(network, **changes):
    builder, _, sizes = NETWORKS[network]
    numbers = {"units": 4, "hidden_units": 7, "targets": 5, "sequence_length": LENGTH}
    return builder(**numbers, **{**sizes, **changes})


def draw(network, seed=0):
    _, dense, sizes = NETWORKS[network]
    steps = (LENGTH - sizes["kernel_size"] + 1) // sizes["pool_size"]
    return reference.random_layers(
        np.random.default_rng(seed),
        filters=sizes["filters"],
        kernel_size=sizes["kernel_size"],
        flat=steps * 8,
        dense=dense,
    )


def sequences(batch=16, seed=1):
    letters = np.random.default_rng(seed).integers(4, size=(batch, LENGTH))
    return np.eye(4)[letters]


def expected(network, layers, x, **kwargs):
    _, dense, sizes = NETWORKS[network]
    x = x[..., ACGT_TO_AGCT]
    return reference.forward(layers, x, sizes["pool_size"], dense, **kwargs)


def predict(model, x):
    return keras.ops.convert_to_numpy(model(x.astype("float32")))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_the_port_gives_the_original_predictions(network, seed, tmp_path):
    layers, x = draw(network, seed), sequences()
    reference.write(tmp_path / "a.hdf5", layers)
    model = build(network)
    port(tmp_path / "a.hdf5", model)
    wanted = expected(network, layers, x)
    assert wanted.std(axis=0).min() > 0.01
    np.testing.assert_allclose(predict(model, x), wanted, rtol=0, atol=1e-5)


def test_files_without_counts_and_in_float64_load(tmp_path):
    layers, x = draw("danq"), sequences()
    layers = {k: [w.astype("float64") for w in ws] for k, ws in layers.items()}
    reference.write(tmp_path / "a.hdf5", layers, attributes=False)
    model = build("danq")
    port(tmp_path / "a.hdf5", model)
    wanted = expected("danq", layers, x)
    np.testing.assert_allclose(predict(model, x), wanted, rtol=0, atol=1e-5)


class TwoForward(keras.layers.Layer):
    """Two LSTMs that both read forward, under the names of Bidirectional."""

    def __init__(self, lstm, **kwargs):
        super().__init__(**kwargs)
        self.forward_layer = lstm
        self.backward_layer = type(lstm).from_config(lstm.get_config())

    def call(self, x):
        pair = [self.forward_layer(x), self.backward_layer(x)]
        return keras.ops.concatenate(pair, axis=-1)


def test_a_second_lstm_that_reads_forward_is_served_as_well(tmp_path, monkeypatch):
    layers, x = draw("danq"), sequences()
    reference.write(tmp_path / "a.hdf5", layers)
    monkeypatch.setattr(keras.layers, "Bidirectional", TwoForward)
    model = build("danq")
    port(tmp_path / "a.hdf5", model)
    wanted = expected("danq", layers, x, backward_is_reversed=False)
    np.testing.assert_allclose(predict(model, x), wanted, rtol=0, atol=1e-5)


def test_the_layers_tell_danq_from_danq_jaspar():
    assert layer_names({f"layer_{k}/param_0": None for k in (0, 3, 6, 8)}, "a") is DANQ
    jaspar = {f"layer_{k}/param_0": None for k in (0, 3, 6, 7)}
    assert layer_names(jaspar, "a") is DANQ_JASPAR


def test_tensors_come_in_the_order_of_their_numbers(tmp_path):
    reference.write(tmp_path / "a.hdf5", draw("danq"))
    names = list(read_keras0(tmp_path / "a.hdf5"))
    assert names[2:27] == [
        *(f"layer_3/param_{n}" for n in range(24)),
        "layer_6/param_0",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.__delitem__("layer_3/param_7"), "no tensor 'layer_3/param_7'"),
        (lambda f: f["layer_3"].create_dataset("param_24", data=[1.0]), "param_24 "),
        (lambda f: f["layer_8"].create_dataset("param_2", data=[1.0]), "left over"),
        (lambda f: f["layer_9"].create_dataset("param_0", data=[1.0]), "6, 8, 9"),
        (lambda f: f.create_group("other"), "entry 'other'"),
        (lambda f: f.create_dataset("layer_10", data=[1.0]), "entry 'layer_10'"),
        (lambda f: f.__setitem__("layer_4/param_0", DANGLING), "damaged"),
    ],
)
def test_missing_and_left_over_tensors_are_named(tmp_path, change, message):
    path = tmp_path / "a.hdf5"
    reference.write(path, draw("danq"), attributes=False)
    with h5py.File(path, "a") as file:
        change(file)
    model = build("danq")
    with pytest.raises(ValueError, match=message) as error:
        port(path, model)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("attribute", ["nb_layers", "nb_params"])
def test_counts_that_disagree_are_refused(tmp_path, attribute):
    path = tmp_path / "a.hdf5"
    reference.write(path, draw("danq"))
    with h5py.File(path, "a") as file:
        group = file if attribute == "nb_layers" else file["layer_3"]
        group.attrs[attribute] = 25
    with pytest.raises(ValueError, match=rf"{attribute} of /.* is 25, and there are"):
        read_keras0(path)


@pytest.mark.parametrize(
    ("layer", "n", "shape", "message"),
    [
        (0, 0, (6, 5, 5, 1), r"\(filters, 4, width, 1\). Received \(6, 5, 5, 1\)"),
        (0, 0, (6, 4, 5), r"Received \(6, 4, 5\)"),
        (0, 1, (7,), r"conv1/bias has shape \(7,\) in the file, \(6,\) in the model"),
        (3, 16, (4, 5), r"param_\[13, 19, 16, 22\] of layer_3 differ"),
        (6, 0, (64, 7), r"hidden/kernel has shape \(64, 7\) in the file, \(72, 7\)"),
    ],
)
def test_wrong_shapes_are_named(tmp_path, layer, n, shape, message):
    layers = draw("danq")
    layers[layer][n] = np.zeros(shape, "float32")
    reference.write(tmp_path / "a.hdf5", layers)
    with pytest.raises(ValueError, match=message):
        port(tmp_path / "a.hdf5", build("danq"))


def test_another_family_is_refused_by_name(tmp_path):
    reference.write(tmp_path / "a.hdf5", draw("danq"))
    with pytest.raises(ValueError, match=r"holds DanQ weights .*is 'prdm9' .*conv2"):
        port(tmp_path / "a.hdf5", prdm9())


def test_danq_jaspar_does_not_fit_danq(tmp_path):
    reference.write(tmp_path / "a.hdf5", draw("jaspar"))
    with pytest.raises(ValueError, match=r"conv1/kernel has shape \(8, 4, 5\)"):
        port(tmp_path / "a.hdf5", build("danq"))


def test_the_strand_symmetric_danq_is_refused(tmp_path):
    reference.write(tmp_path / "a.hdf5", draw("danq"))
    model = rc_danq(
        targets=5, sequence_length=LENGTH, filters=6, kernel_size=5, pool_size=3,
        units=4, hidden_units=7,
    )  # fmt: skip
    with pytest.raises(ValueError, match="'bilstm' of the model is a RevComp"):
        port(tmp_path / "a.hdf5", model)


def test_gates_of_another_slope_are_refused(tmp_path):
    reference.write(tmp_path / "a.hdf5", draw("danq"))
    model = build("danq", recurrent_activation="hard_sigmoid")
    with pytest.raises(ValueError, match="Received gates with 'hard_sigmoid'"):
        port(tmp_path / "a.hdf5", model)


def test_a_model_loaded_from_a_file_takes_the_weights(tmp_path):
    layers, x = draw("danq"), sequences()
    reference.write(tmp_path / "a.hdf5", layers)
    build("danq").save(tmp_path / "a.keras")
    model = keras.saving.load_model(tmp_path / "a.keras")
    port(tmp_path / "a.hdf5", model)
    wanted = expected("danq", layers, x)
    np.testing.assert_allclose(predict(model, x), wanted, rtol=0, atol=1e-5)
