import argparse
import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import zoo
from rckeras.datasets import SPLITS
from rckeras.io.windows import FITS
from tuning.cli import main
from zoo.commands import predict, quiet_stderr
from zoo.prediction import predict_file


@pytest.fixture(scope="module")
def fasta(tmp_path_factory):
    path = tmp_path_factory.mktemp("fasta") / "in.fa"
    rng = np.random.default_rng(0)
    letters = ["".join(rng.choice(list("ACGT"), 8)) for _ in range(20)]
    path.write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(letters)))
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    x = keras.Input((8, 4))
    y = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    keras.Model(x, y).save(path)
    return path


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_list_has_a_line_for_each_network(capsys):
    assert run("list") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["NETWORK", "BASES", "TARGETS", "STRANDS", "WEIGHTS"]
    assert [line.split()[0] for line in lines] == zoo.list_models()


def test_list_takes_a_pattern(capsys):
    assert run("list", "danq*") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(
        zoo.list_models("danq*")
    )


def test_list_says_if_nothing_is_called_so(capsys):
    assert run("list", "nothing*") == 1
    assert "'nothing*'" in capsys.readouterr().err


def test_describe_prints_the_card(capsys):
    assert run("describe", "danq") == 0
    assert capsys.readouterr().out == f"{zoo.describe('danq')}\n"


def test_describe_suggests_a_near_name(capsys):
    assert run("describe", "damq") == 1
    assert "Did you mean danq" in capsys.readouterr().err


def test_predict_writes_what_the_function_writes(saved, fasta, tmp_path, capsys):
    assert run("predict", saved, fasta, "-o", tmp_path / "out.tsv") == 0
    assert capsys.readouterr() == ("", "20 rows\n")
    predict_file(saved, fasta, tmp_path / "same.tsv")
    text = (tmp_path / "out.tsv").read_text()
    assert text == (tmp_path / "same.tsv").read_text()


def test_predict_writes_to_the_standard_output(saved, fasta, capsys):
    assert run("predict", saved, fasta, "--quiet") == 0
    out, err = capsys.readouterr()
    assert out.startswith("name\ttarget_0\t")
    assert len(out.splitlines()) == 21
    assert err == ""


def test_predict_hands_on_every_option(monkeypatch, fasta):
    received = {}

    def predict(*args, **options):
        received.update(options)

    monkeypatch.setattr("zoo.prediction.predict_file", predict)
    options = (
        "--genome g.fa --weights w.h5 -o out --format csv --fit both --n-value 0.25 "
        "--split test --average-strands "
        "--mc-samples 5 --seed 3 --batch-size 7 --force --quiet"
    )
    assert run("predict", "danq", "in.bed", *options.split()) == 0
    assert received == {
        "model": "danq",
        "path": "in.bed",
        "output": "out",
        "genome": "g.fa",
        "split": "test",
        "weights": "w.h5",
        "fit": "both",
        "average_strands": True,
        "mc_samples": 5,
        "seed": 3,
        "batch_size": 7,
        "n_value": 0.25,
        "format": "csv",
        "progress": False,
        "overwrite": True,
    }


def test_predict_offers_every_fit_and_split():
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    choices = {action.dest: action.choices for action in parser._actions}
    assert choices["fit"] == FITS
    assert choices["split"] == SPLITS


def test_predict_keeps_an_existing_file_unless_forced(saved, fasta, tmp_path, capsys):
    output = tmp_path / "out.tsv"
    output.write_text("old")
    assert run("predict", saved, fasta, "-o", output) == 1
    error = capsys.readouterr().err
    assert error.startswith("rckeras: error: ")
    assert error.count("\n") == 1
    assert "--force" in error
    assert output.read_text() == "old"
    assert run("predict", saved, fasta, "-o", output, "--force") == 0
    assert output.read_text().startswith("name\t")


def test_predict_names_the_record_that_does_not_fit(saved, tmp_path, capsys):
    path = tmp_path / "in.fa"
    path.write_text(">a\nACGTACGT\n>b\nACGT\n")
    assert run("predict", saved, path, "-o", tmp_path / "out.tsv") == 1
    assert f"error: {path}:3: record 'b': it has 4 bases" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_predict_ends_quietly_where_the_reader_goes(saved, tmp_path):
    path = tmp_path / "in.fa"
    path.write_text(">a\nACGTACGT\n" * 20_000)
    code = "import sys; from tuning.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "predict", str(saved), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    header = process.stdout.readline()
    process.stdout.close()
    assert header.startswith(b"name\t")
    assert process.stderr.read() == b""
    assert process.wait() == 141


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_check_exits_with_its_verdict(monkeypatch, capsys, passed, code):
    monkeypatch.setattr(zoo, "check", lambda name, weights: _verdict(name, passed))
    assert run("check", "danq") == code
    assert capsys.readouterr().out == f"danq {passed}\n"


def test_check_all_goes_on_after_a_failure(monkeypatch, capsys):
    first = zoo.list_models()[0]
    monkeypatch.setattr(
        zoo, "check", lambda name, weights: _verdict(name, name != first)
    )
    assert run("check", "--all") == 1
    assert len(capsys.readouterr().out.splitlines()) == len(zoo.list_models())


@pytest.mark.parametrize("arguments", [[], ["danq", "--all"]])
def test_check_takes_a_name_or_all(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        run("check", *arguments)
    assert end.value.code == 2


def test_a_real_check_passes(capsys):
    assert run("check", "shrikumar-sim-rc") == 0
    assert "ok" in capsys.readouterr().out


def test_messages_of_native_code_are_held_back(capfd):
    with quiet_stderr():
        os.write(2, b"chatter")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_messages_of_native_code_are_shown_with_an_exception(capfd):
    @quiet_stderr()
    def fail():
        os.write(2, b"the reason")
        raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == "the reason"


class _Verdict(SimpleNamespace):
    def __str__(self):
        return f"{self.name} {self.passed}"


def _verdict(name, passed):
    return _Verdict(name=name, passed=passed)


@pytest.mark.parametrize("name", ["m.h5", "folder/danq", "m.weights.h5"])
def test_predict_says_what_a_file_of_weights_is_not(capsys, fasta, name):
    assert run("predict", name, fasta) == 1
    error = capsys.readouterr().err
    assert "ends in .keras" in error
    assert f"Received: {name!r}" in error
    assert "koo-cnn" not in error


def test_a_model_with_unknown_layers_is_reported_in_a_line(capsys, fasta, tmp_path):
    class Unknown(keras.layers.Layer):
        def call(self, x):
            return x

    x = keras.Input((8, 4))
    keras.Model(x, Unknown()(x)).save(tmp_path / "m.keras")
    assert run("predict", tmp_path / "m.keras", fasta) == 1
    error = capsys.readouterr().err
    assert "m.keras cannot be loaded: Could not locate class 'Unknown'" in error
    assert error.count("\n") == 1


def test_own_weights_predict_with_their_number_of_targets(fasta, tmp_path, capsys):
    zoo.build("shrikumar-sim-rc", targets=2).save_weights(tmp_path / "m.weights.h5")
    options = ["--weights", tmp_path / "m.weights.h5", "--fit", "pad"]
    assert run("predict", "shrikumar-sim-rc", fasta, *options) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert header == "name\ttarget_0\ttarget_1"
