"""The published PRDM9 weights predict what the paper's network predicts."""

import gzip

import h5py
import keras
import numpy as np
import pytest

from tests.reference import prdm9 as reference
from zoo.architectures.brown import brown_simulation, prdm9
from zoo.architectures.danq import danq
from zoo.porting.keras2 import free_half, layer_names, port, read_keras2

LENGTH = 997


@pytest.fixture(scope="module")
def published(shared_data):
    return shared_data / "prdm9_brown2018_keras2.weights.h5"


@pytest.fixture(scope="module")
def network(published):
    model = prdm9(dropout=None)
    port(published, model)
    return model


def background(count, seed):
    """Random sequences of 41% GC."""
    rng = np.random.default_rng(seed)
    letters = rng.choice(4, p=[0.295, 0.205, 0.205, 0.295], size=(count, LENGTH))
    return np.eye(4)[letters]


def plant(x, times, seed):
    """Write the motif `times` times without overlap; its N leave the background."""
    rng = np.random.default_rng(seed)
    motif = reference.one_hot([reference.MOTIF])[0]
    known = motif.any(axis=1)
    x = x.copy()
    for sequence in x:
        places = rng.choice(LENGTH // len(motif), times, replace=False)
        for start in places * len(motif):
            sequence[start : start + len(motif)][known] = motif[known]
    return x


def real(shared_data, name, count=40):
    path = shared_data / name
    with (gzip.open if name.endswith(".gz") else open)(path, "rt") as file:
        text = "".join(line.strip() for line in file if line[0] != ">").upper()
    first = next(i for i, letter in enumerate(text) if letter != "N")
    step = (len(text) - first - LENGTH) // count
    starts = range(first, first + count * step, step)
    return reference.one_hot([text[s : s + LENGTH] for s in starts])


def predict(model, x):
    return keras.ops.convert_to_numpy(model(x.astype("float32")))


@pytest.mark.parametrize(
    "source",
    ["random", "hg38_chr1_first1Mb.fa.gz", "hg19_gata4_chr8_11496144-11627216.fa"],
)
def test_the_published_weights_give_the_papers_predictions(
    source, published, network, shared_data
):
    x = background(64, seed=0) if source == "random" else real(shared_data, source)
    assert set(x.sum(axis=(0, 1)) > 0) == {True}
    wanted = reference.forward(reference.read(published), x)
    assert wanted[:, 1].std() > 0.02
    np.testing.assert_allclose(predict(network, x), wanted, rtol=0, atol=1e-5)


def test_both_strands_get_the_same_prediction(network, shared_data):
    x = np.concatenate(
        [background(40, seed=1), real(shared_data, "hg38_chr1_first1Mb.fa.gz")]
    )
    both = predict(network, x), predict(network, x[:, ::-1, ::-1])
    np.testing.assert_allclose(*both, rtol=0, atol=1e-6)


def test_the_reference_gives_both_strands_the_same_prediction(published):
    x, weights = background(20, seed=2), reference.read(published)
    both = [reference.forward(weights, s) for s in (x, x[:, ::-1, ::-1])]
    np.testing.assert_allclose(*both, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("times", "probability"), [(0, 0.165), (1, 0.34), (3, 0.52), (5, 0.61)]
)
def test_planted_motifs_make_a_hotspot(times, probability, network):
    x = plant(background(300, seed=3), times, seed=4)
    assert predict(network, x)[:, 1].mean() == pytest.approx(probability, abs=0.05)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("group", ["/", "model_weights"])
def test_tied_and_untied_files_give_the_original_predictions(tied, group, tmp_path):
    weights = reference.random_weights(np.random.default_rng(5), tied)
    reference.write(tmp_path / "a.h5", weights, group)
    model = prdm9(dropout=None, equivariant=tied)
    port(tmp_path / "a.h5", model)
    x = background(8, seed=6)
    wanted = reference.forward(weights, x, strand_pooling=tied)
    np.testing.assert_allclose(predict(model, x), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["conv1", "conv1_bias", "conv2", "conv2_bias"])
def test_weights_that_are_not_tied_to_the_last_bit_are_refused(name, tmp_path):
    weights = reference.random_weights(np.random.default_rng(7))
    weights[name].flat[0] = np.nextafter(weights[name].flat[0], np.float32(9))
    reference.write(tmp_path / "a.h5", weights)
    with pytest.raises(ValueError, match=r"not RC-tied.*equivariant=False") as error:
        port(tmp_path / "a.h5", prdm9())
    assert f"conv1d_{name[4]}" in str(error.value)


def test_an_odd_number_of_filters_is_never_tied():
    with pytest.raises(ValueError, match=r"'conv1d_1' \(3, 4, 5\) is not RC-tied"):
        free_half(np.zeros((3, 4, 5)), np.zeros(5), "conv1d_1", "a.h5")


def test_the_published_file_does_not_fit_the_untied_network(published):
    with pytest.raises(ValueError, match=r"\(8, 2\) in the file, \(16, 2\) in the mod"):
        port(published, prdm9(equivariant=False))


def test_only_the_order_of_upstream_layers_counts():
    names = [f"{n}/kernel" for n in ("conv1d_9", "conv1d_10", "dense_5", "lstm_1")]
    assert layer_names(dict.fromkeys(names)) == {
        "conv1d_9": "conv1",
        "conv1d_10": "conv2",
        "dense_5": "predictions",
        "lstm_1": "lstm_1",
    }


def test_the_reader_names_every_tensor(published):
    assert {name: a.shape for name, a in read_keras2(published).items()} == {
        "conv1d_1/kernel": (30, 4, 16),
        "conv1d_1/bias": (16,),
        "conv1d_2/kernel": (4, 16, 16),
        "conv1d_2/bias": (16,),
        "dense_1/kernel": (8, 2),
        "dense_1/bias": (2,),
    }


def test_a_missing_tensor_is_named(tmp_path):
    weights = reference.random_weights(np.random.default_rng(0))
    del weights["conv2_bias"]
    reference.write(tmp_path / "a.h5", weights)
    with pytest.raises(ValueError, match="no tensor 'conv1d_2/bias'"):
        port(tmp_path / "a.h5", prdm9())


def test_a_tensor_left_over_is_named(tmp_path):
    path = tmp_path / "a.h5"
    reference.write(path, reference.random_weights(np.random.default_rng(0)))
    with h5py.File(path, "a") as file:
        group = file["dense_1"]
        group.attrs["weight_names"] = [*group.attrs["weight_names"], b"dense_1/gamma:0"]
        group["dense_1/gamma:0"] = np.zeros(2)
    with pytest.raises(ValueError, match=r"left over: dense_1/gamma \(2,\)"):
        port(path, prdm9())


@pytest.mark.parametrize("entry", ["conv1d_2", "conv1d_2/conv1d_2/bias:0"])
def test_an_entry_that_is_listed_and_absent_is_named(entry, tmp_path):
    path = tmp_path / "a.h5"
    reference.write(path, reference.random_weights(np.random.default_rng(0)))
    with h5py.File(path, "a") as file:
        del file[entry]
    with pytest.raises(ValueError, match=r"lists 'conv1d_2.*' and does not have it"):
        read_keras2(path)


def test_a_file_without_layer_names_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["layer_0/param_0"] = np.zeros(3)
    with pytest.raises(ValueError, match="no attribute `layer_names`"):
        read_keras2(tmp_path / "a.h5")


def test_the_simulation_network_is_served(tmp_path):
    rng = np.random.default_rng(8)
    kernel, bias = rng.normal(size=(14, 4, 12)), rng.normal(size=12)
    weights = {
        "conv1": kernel + np.flip(kernel),
        "conv1_bias": bias + bias[::-1],
        "dense": rng.normal(size=(6, 2)),
        "dense_bias": rng.normal(size=2),
    }
    reference.write(tmp_path / "a.h5", weights)
    model = brown_simulation()
    port(tmp_path / "a.h5", model)
    free = keras.ops.convert_to_numpy(model.get_layer("conv1").kernel)
    np.testing.assert_array_equal(free, weights["conv1"][..., :6].astype("float32"))


def test_another_family_is_refused_by_name(published):
    model = danq(targets=2, filters=4, units=2, hidden_units=3)
    with pytest.raises(ValueError, match=r"holds PRDM9 weights .*is 'danq' .*bilstm"):
        port(published, model)
