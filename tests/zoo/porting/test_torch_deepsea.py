"""DeepSEA's files give PyTorch's numbers, and run nothing."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.reference import deepsea as reference
from zoo.architectures.danq import danq
from zoo.architectures.deepsea import deepsea
from zoo.porting import port_weights
from zoo.porting.torch_deepsea import layer_names, port, read_torch

ACGT_TO_AGCT = [0, 2, 1, 3]
# Length 195 leaves three positions of conv3, so that the flattened order shows.
SIZES = {"filters": (5, 6, 7), "hidden_units": 8, "targets": 3, "sequence_length": 195}
# Positions in the nested models of the files for prediction, variants and neither.
PREFIXES = {
    "predict": ["2.0", "2.4", "2.8", "2.12.1", "2.14.1"],
    "variants": ["1.0", "1.4", "1.8", "1.12.1", "1.14.1"],
    "named": ["model.0", "model.4", "model.8", "classifier.1", "classifier.3"],
}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


def draw(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(5, 4, 1, 8), (6, 5, 1, 8), (7, 6, 1, 8), (8, 21), (3, 8)]
    tensors = []
    for shape in shapes:
        scale = 1.5 / np.sqrt(np.prod(shape[1:]))
        tensors.append(rng.normal(scale=scale, size=shape).astype("float32"))
        tensors.append(rng.normal(scale=0.5, size=shape[0]).astype("float32"))
    return tensors


def state_dict(torch, tensors, prefixes):
    names = [f"{p}.{kind}" for p in prefixes for kind in ("weight", "bias")]
    arrays = map(torch.from_numpy, tensors)
    return dict(zip(names, arrays, strict=True))


def sequences(batch=16, seed=1):
    rng = np.random.default_rng(seed)
    return np.eye(4)[rng.integers(4, size=(batch, SIZES["sequence_length"]))]


def predict(model, x):
    return keras.ops.convert_to_numpy(model(x.astype("float32")))


def agct(x):
    return x[..., ACGT_TO_AGCT].swapaxes(1, 2)


@pytest.mark.parametrize("prefixes", PREFIXES)
@pytest.mark.parametrize("zipped", [True, False])
def test_the_port_gives_the_original_predictions(torch, prefixes, zipped, tmp_path):
    tensors, x = draw(), sequences()
    state = state_dict(torch, tensors, PREFIXES[prefixes])
    path = tmp_path / "a.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    model = deepsea(**SIZES)
    port(path, model)
    wanted = reference.forward(tensors, agct(x))
    assert wanted.std(axis=0).min() > 0.01
    np.testing.assert_allclose(predict(model, x), wanted, rtol=0, atol=1e-5)


def test_the_reference_is_what_torch_computes(torch):
    tensors, x = draw(seed=2), agct(sequences())
    nn = torch.nn
    modules = nn.Sequential(
        nn.Conv2d(4, 5, (1, 8)), nn.Threshold(0, 1e-6), nn.MaxPool2d((1, 4)),
        nn.Conv2d(5, 6, (1, 8)), nn.Threshold(0, 1e-6), nn.MaxPool2d((1, 4)),
        nn.Conv2d(6, 7, (1, 8)), nn.Threshold(0, 1e-6), nn.Flatten(),
        nn.Linear(21, 8), nn.Threshold(0, 1e-6), nn.Linear(8, 3), nn.Sigmoid(),
    ).double()  # fmt: skip
    names = modules.state_dict()
    modules.load_state_dict(
        {n: torch.from_numpy(t) for n, t in zip(names, tensors, strict=True)}
    )
    with torch.no_grad():
        output = modules(torch.from_numpy(x[:, :, None])).numpy()
    np.testing.assert_allclose(output, reference.forward(tensors, x), atol=1e-12)


def test_modules_are_told_by_order_and_rank():
    tensors = {f"{p}.weight": w for p, w in zip("abcde", draw()[::2], strict=True)}
    assert layer_names(tensors, "a.pth") == {
        "a": "conv1",
        "b": "conv2",
        "c": "conv3",
        "d": "hidden",
        "e": "predictions",
    }


class Bomb:
    def __init__(self, marker):
        self.command = f"\"{sys.executable}\" -c \"open(r'{marker}', 'w')\""

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_a_command_is_refused_unrun(torch, zipped, tmp_path):
    marker, path = tmp_path / "marker", tmp_path / "a.pth"
    state = {"0.weight": Bomb(marker)}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match="objects other than tensors"):
        port_weights(path, deepsea(**SIZES))
    assert not marker.exists()


def test_a_bare_pickle_is_refused_unrun(tmp_path):
    marker, path = tmp_path / "marker", tmp_path / "a.pth"
    path.write_bytes(pickle.dumps(Bomb(marker)))
    with pytest.raises(ValueError, match="starts with the bytes"):
        port_weights(path, deepsea(**SIZES))
    assert not marker.exists()


def test_the_bomb_of_these_tests_works(tmp_path):
    marker = tmp_path / "marker"
    pickle.loads(pickle.dumps(Bomb(marker)))
    assert marker.exists()


def test_a_whole_module_is_refused(torch, tmp_path):
    torch.save(torch.nn.Linear(2, 3), tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"Save `module\.state_dict\(\)`"):
        read_torch(tmp_path / "a.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_called_damaged(torch, zipped, tmp_path):
    path = tmp_path / "a.pth"
    state = state_dict(torch, draw(), PREFIXES["predict"])
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match="damaged"):
        port_weights(path, deepsea(**SIZES))


@pytest.mark.parametrize(
    ("value", "message"),
    [([1.0, 2.0], "not a list"), ({"a": 1}, r"Others: \['a'\]")],
)
def test_anything_but_tensors_by_name_is_refused(torch, value, message, tmp_path):
    torch.save(value, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=message):
        read_torch(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("n", "shape", "message"),
    [
        (0, (5, 3, 1, 8), "must read 4 bases. Received a kernel with 3"),
        (2, (6, 5, 2, 8), r"conv2/kernel has shape \(2, 8, 5, 6\) in the file"),
        (3, (7,), r"conv2/bias has shape \(7,\) in the file, \(6,\) in the model"),
        (6, (8, 20), "20 inputs, not a multiple of the 7 channels"),
        (6, (8, 28), r"hidden/kernel has shape \(28, 8\) in the file, \(21, 8\)"),
        (8, (4, 8), r"predictions/kernel has shape \(8, 4\) in the file, \(8, 3\)"),
        (0, (5, 4, 8), "three Conv2d and two Linear"),
    ],
)
def test_wrong_shapes_are_named(torch, n, shape, message, tmp_path):
    tensors = draw()
    tensors[n] = np.zeros(shape, "float32")
    torch.save(state_dict(torch, tensors, PREFIXES["predict"]), tmp_path / "a.pth")
    with pytest.raises(ValueError, match=message):
        port(tmp_path / "a.pth", deepsea(**SIZES))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, t: s.pop("2.8.bias"), "no tensor '2.8.bias'"),
        (lambda s, t: s.pop("2.8.weight"), "three Conv2d and two Linear"),
        (lambda s, t: s.update({"2.9.scale": t}), r"left over: 2\.9\.scale \(2,\)"),
    ],
)
def test_missing_and_left_over_tensors_are_named(torch, change, message, tmp_path):
    state = state_dict(torch, draw(), PREFIXES["predict"])
    change(state, torch.zeros(2))
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=message) as error:
        port(tmp_path / "a.pth", deepsea(**SIZES))
    assert str(tmp_path / "a.pth") in str(error.value)


def test_another_family_is_refused_by_name(torch, tmp_path):
    state = state_dict(torch, draw(), PREFIXES["predict"])
    torch.save(state, tmp_path / "a.pth")
    model = danq(targets=2, filters=4, units=2, hidden_units=3)
    with pytest.raises(ValueError, match=r"holds DeepSEA weights .*is 'danq' .*bilstm"):
        port(tmp_path / "a.pth", model)


def test_without_torch_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install \"rckeras\[deepsea\]\""):
        read_torch(tmp_path / "a.pth")


def test_importing_the_porter_does_not_import_torch_or_keras():
    code = (
        "import sys, zoo.porting.torch_deepsea, zoo.porting.keras0, zoo.porting.keras2;"
        "print(*{'torch', 'keras', 'h5py'} & set(sys.modules))"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""
