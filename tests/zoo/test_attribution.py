"""Attributions for the sequences of a file, and what known networks look at."""

import keras
import numpy as np
import pytest

import zoo
from rckeras import reverse_complement
from rckeras.datasets import Dataset, save_dataset, simulate_shrikumar2017
from rckeras.interpret import Attributor, gradient_times_input, score_filters
from rckeras.io import Interval, read_bedgraph
from rckeras.sequence import one_hot_encode, reverse_complement_string
from rckeras.symmetry.random_weights import random_weights
from tests.rckeras.datasets.sets import make_dataset
from tuning.cli import main
from zoo.attribution import attribute_file

LENGTH = 12


@pytest.fixture(scope="module")
def model():
    """Its logits are sums over the letters, so attributions are its weights."""
    stages = [
        keras.Input((LENGTH, 4)),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="sigmoid"),
    ]
    model = keras.Sequential(stages)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=(4 * LENGTH, 2)), rng.normal(size=2)])
    return model


@pytest.fixture(scope="module")
def kernel(model):
    """`(length, 4, targets)`."""
    return model.get_weights()[0].reshape(LENGTH, 4, 2)


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(2)
    return ["".join(rng.choice(list("ACGT"), LENGTH)) for _ in range(7)]


@pytest.fixture(scope="module")
def fasta(tmp_path_factory, sequences):
    path = tmp_path_factory.mktemp("fasta") / "in.fa"
    path.write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(sequences)))
    return path


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    rng = np.random.default_rng(3)
    chroms = {name: "".join(rng.choice(list("ACGT"), 60)) for name in ("chr1", "chr2")}
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text("".join(f">{name}\n{s}\n" for name, s in chroms.items()))
    return path, chroms


def test_arrays_hold_what_was_found(model, kernel, fasta, sequences, tmp_path):
    summary = attribute_file(model, fasta, tmp_path / "new" / "out", batch_size=3)
    assert str(summary) == "7 rows"
    folder = tmp_path / "new" / "out"
    assert [path.name for path in folder.iterdir()] == ["attributions.npz"]
    found = np.load(folder / "attributions.npz")
    assert found["name"].tolist() == [f"s{i}" for i in range(7)]
    assert found["targets"].tolist() == ["target_0", "target_1"]
    x = one_hot_encode(sequences, "float32")
    np.testing.assert_array_equal(np.eye(4)[found["sequences"]], x)
    expected = np.broadcast_to(np.moveaxis(kernel, -1, 0), (7, 2, LENGTH, 4))
    np.testing.assert_allclose(found["hypothetical"], expected, atol=1e-5)
    contributions = np.einsum("nlc,lct->ntl", x, kernel)
    np.testing.assert_allclose(found["contributions"], contributions, atol=1e-5)


def test_targets_are_chosen_by_name(model, kernel, fasta, tmp_path):
    attribute_file(model, fasta, tmp_path, targets=["target_1"], baseline=0.25)
    found = np.load(tmp_path / "attributions.npz")
    assert found["targets"].tolist() == ["target_1"]
    expected = kernel[..., 1] - kernel[..., 1].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found["hypothetical"][3, 0], expected, atol=1e-5)


def expect_track(intervals, chroms, weights):
    """Mean contribution of each base of a genome, looked up one by one."""
    found = {}
    for interval in intervals:
        for base in range(interval.start, interval.end):
            if not 0 <= base < 60:
                continue
            letter = chroms[interval.chrom][base]
            if interval.strand == "-":
                place = interval.end - 1 - base
                value = weights[place, "TGCA".index(letter)]
            else:
                value = weights[base - interval.start, "ACGT".index(letter)]
            found.setdefault((interval.chrom, base), []).append(value)
    return {key: np.mean(values) for key, values in found.items()}


def test_tracks_are_those_of_the_genome(model, kernel, genome, tmp_path):
    path, chroms = genome
    bed = tmp_path / "in.bed"
    lines = ["chr2 5 17 a 0 +", "chr1 40 52 b 0 -", "chr1 45 56 c 0 +"]
    lines += ["chr1 54 60 d 0 -", "chr1 0 3 e 0 ."]
    bed.write_text("".join(line.replace(" ", "\t") + "\n" for line in lines))
    attribute_file(model, bed, tmp_path / "out", genome=path, fit="both")
    intervals = [
        Interval("chr2", 5, 17, strand="+"),
        Interval("chr1", 40, 52, strand="-"),
        Interval("chr1", 45, 57, strand="+"),
        Interval("chr1", 51, 63, strand="-"),
        Interval("chr1", -4, 8, strand="."),
    ]
    for target in (0, 1):
        signals = list(read_bedgraph(tmp_path / "out" / f"target_{target}.bedgraph"))
        found = {(s.chrom, s.start): s.value for s in signals}
        expected = expect_track(intervals, chroms, kernel[..., target])
        assert found == pytest.approx(expected, abs=1e-4)
        assert [(s.chrom, s.start) for s in signals] == sorted(expected)
        assert all(s.end == s.start + 1 for s in signals)
    arrays = np.load(tmp_path / "out" / "attributions.npz")
    assert arrays["chrom"].tolist() == ["chr2", "chr1", "chr1", "chr1", "chr1"]
    assert arrays["start"].tolist() == [5, 40, 45, 54, 0]
    for start, end, interval in zip(
        arrays["window_start"], arrays["window_end"], intervals, strict=True
    ):
        assert (start, end) == (interval.start, interval.end)


def test_datasets_are_read_too(model, tmp_path):
    dataset = make_dataset(rows=9, length=LENGTH)
    save_dataset(dataset, tmp_path / "data.h5")
    attribute_file(model, tmp_path / "data.h5", tmp_path / "out")
    found = np.load(tmp_path / "out" / "attributions.npz")
    np.testing.assert_array_equal(found["sequences"], dataset.sequences)


def test_logos_are_drawn_of_the_first_sequences(model, fasta, tmp_path):
    pytest.importorskip("logomaker")
    attribute_file(model, fasta, tmp_path, targets=["target_1"], logos=2, logo_width=5)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["attributions.npz", "target_1.1.svg", "target_1.2.svg"]
    assert "s1: target_1" in (tmp_path / "target_1.2.svg").read_text()


def test_files_are_not_replaced_unless_asked(model, fasta, tmp_path):
    (tmp_path / "attributions.npz").write_text("mine")
    with pytest.raises(FileExistsError, match=r"attributions\.npz exists"):
        attribute_file(model, fasta, tmp_path)
    assert (tmp_path / "attributions.npz").read_text() == "mine"
    attribute_file(model, fasta, tmp_path, overwrite=True)
    assert len(np.load(tmp_path / "attributions.npz")["name"]) == 7


def test_a_bad_record_is_named_and_leaves_no_file(model, tmp_path):
    (tmp_path / "in.fa").write_text(f">a\n{'A' * LENGTH}\n>b\nACGT\n")
    with pytest.raises(ValueError, match=r"in\.fa:3: record 'b'"):
        attribute_file(
            model, tmp_path / "in.fa", tmp_path / "out", logos=1, batch_size=1
        )
    assert not list((tmp_path / "out").iterdir())


def test_networks_of_any_length_need_sequences_of_one(tmp_path):
    stages = [keras.Input((None, 4)), keras.layers.GlobalMaxPooling1D()]
    free = keras.Sequential([*stages, keras.layers.Dense(1)])
    (tmp_path / "in.fa").write_text(">a\nACGTA\n>b\nACGT\n")
    with pytest.raises(ValueError, match=r"in\.fa:3: record 'b': .*one length, 5.*: 4"):
        attribute_file(free, tmp_path / "in.fa", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ["target_2"]}, "Did you mean target_1.*'target_2'"),
        ({"targets": []}, "none"),
        ({"logos": -1}, "Received: -1 and 60"),
        ({"logo_width": 0}, "Received: 0 and 0"),
        ({"batch_size": 0}, "Received: 0"),
        ({"method": "saliency"}, "'saliency'"),
    ],
)
def test_what_does_not_fit_is_refused(options, message, model, fasta, tmp_path):
    with pytest.raises(ValueError, match=message):
        attribute_file(model, fasta, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_many_targets_must_be_named(fasta, tmp_path):
    stages = [keras.Input((LENGTH, 4)), keras.layers.Flatten(), keras.layers.Dense(21)]
    with pytest.raises(ValueError, match="21 targets to explain, such as 'target_0'"):
        attribute_file(keras.Sequential(stages), fasta, tmp_path / "out")


def test_the_command_writes_what_the_function_writes(model, fasta, tmp_path, capsys):
    model.save(tmp_path / "model.keras")
    arguments = [tmp_path / "model.keras", fasta, "-o", tmp_path / "out"]
    options = ["--method", "integrated", "--steps", "4", "--average-strands"]
    options += ["--probabilities", "--baseline", ".25"]
    assert main(["attribute", *map(str, arguments), *options]) == 0
    assert capsys.readouterr() == ("", "7 rows\n")
    attribute_file(
        model,
        fasta,
        tmp_path / "same",
        method="integrated",
        steps=4,
        average_strands=True,
        logits=False,
        baseline=0.25,
    )
    found, same = (
        np.load(tmp_path / name / "attributions.npz") for name in ("out", "same")
    )
    for name in same.files:
        np.testing.assert_array_equal(found[name], same[name])


SYMMETRIC = {
    "shrikumar-sim-rc": {},
    "prdm9": {},
    "brown-sim": {"sequence_length": 100},
    "rc-danq": {
        "sequence_length": 116,
        "filters": 6,
        "units": 4,
        "hidden_units": 5,
        "targets": 3,
    },
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_symmetric_networks_have_mirrored_attributions(name):
    network = zoo.build(name, **SYMMETRIC[name])
    rng = np.random.default_rng(4)
    for variable, value in random_weights(network, rng):
        variable.assign(value)
    x = np.eye(4)[rng.integers(4, size=(2, network.input_shape[1]))]
    attributor = Attributor(network, 1)
    found = attributor.contributions(x)
    other = attributor.contributions(reverse_complement(x))
    assert np.abs(found).max() > 0
    scale = np.abs(found).max()
    np.testing.assert_allclose(reverse_complement(other), found, atol=1e-4 * scale)


@pytest.fixture(scope="module")
def simulated():
    dataset = simulate_shrikumar2017(seed=1, sequences=1500)
    return dataset, zoo.load("shrikumar-sim-rc")


def test_the_top_filters_of_the_simulation_are_its_three_motifs(simulated):
    """Shrikumar et al. 2017, section 3.5, on the data of section 3.2."""
    from rckeras.motifs import filters_to_motifs, load_encode_motifs, match_motifs

    dataset, network = simulated
    motifs = filters_to_motifs(network, dataset.sequences)
    planted = load_encode_motifs(["GATA_known6", "ELF1_known2", "RXRA_known1"])
    best = match_motifs([m and m.trim() for m in motifs], planted).best()
    for target, motif in enumerate(planted):
        found = score_filters(
            network, dataset.sequences, dataset.truth.labels[:, target], target
        )
        match = best[found.order[0]]
        assert planted[match.target].name == motif.name
        assert match.e_value < 1e-4
        assert found.scores.max() > 0.3


def test_contributions_lie_where_motifs_were_planted(simulated):
    dataset, network = simulated
    rows = np.arange(300)
    x = dataset.arrays()[0][rows]
    truth = dataset.truth
    inside = np.zeros((len(rows), dataset.length), bool)
    for sequence, start, end in zip(
        truth.sequence, truth.start, truth.end, strict=True
    ):
        if sequence < len(rows):
            inside[sequence, start:end] = True
    own = truth.labels[rows].argmax(axis=1)
    found = gradient_times_input(network, x, [0, 1, 2], baseline=0.25)
    per_base = found[rows, own].sum(axis=-1)
    assert per_base[inside].mean() > 5 * np.abs(per_base[~inside].mean())


SITE = "CCTCCCTNNCCAC"
STRONG, FREE = [0, 1, 3, 4, 9, 10], [7, 8]


def plant(rng, number):
    """Random sequences, each with one site on either strand, and where it starts."""
    sequences, starts = [], rng.integers(50, 900, size=number)
    for index, start in enumerate(starts):
        letters = rng.choice(list("ACGT"), 997)
        site = "".join(rng.choice(list("ACGT")) if c == "N" else c for c in SITE)
        site = reverse_complement_string(site) if index % 2 else site
        letters[start : start + len(SITE)] = list(site)
        sequences.append("".join(letters))
    return one_hot_encode(sequences, "float32"), starts


def test_the_published_hotspot_network_looks_at_the_sites_of_prdm9(shared_data):
    """Brown and Lunter 2018, whose motifs are like the 13-mer of Myers et al. 2008."""
    weights = shared_data / "prdm9_brown2018_keras2.weights.h5"
    network = zoo.load("prdm9", weights=weights)
    x, starts = plant(np.random.default_rng(0), 40)
    found = gradient_times_input(network, x, 1, baseline=0.25).sum(axis=-1)
    width = len(SITE)
    sums = np.array([np.convolve(row, np.ones(width), "valid") for row in found])
    # By chance it would be one in seventy.
    assert (np.abs(sums.argmax(axis=1) - starts) <= width // 2).mean() > 0.5
    sites = [
        row[start : start + width] for row, start in zip(found, starts, strict=True)
    ]
    turned = [site[::-1] if index % 2 else site for index, site in enumerate(sites)]
    profile = np.mean(turned, axis=0)
    assert profile[STRONG].min() > 3 * np.abs(profile[FREE]).max()


def test_shuffles_are_nowhere_on_the_genome(model, tmp_path):
    codes = np.random.default_rng(0).integers(4, size=(4, LENGTH), dtype="uint8")
    place = {"chrom": np.array(["chr1"] * 4), "strand": np.array(["+", "-"] * 2)}
    place["start"] = np.array([100, 200, 100, 200])
    place["end"] = place["start"] + LENGTH
    names = np.array(["a", "b", "a_shuf", "b_shuf"])
    labels = np.array([[1], [1], [0], [0]], "uint8")
    whole = Dataset(codes, labels, ("bound",), columns={**place, "name": names})
    for kind, dataset in (("whole", whole), ("real", whole.take([0, 1]))):
        save_dataset(dataset, tmp_path / f"{kind}.h5")
        attribute_file(model, tmp_path / f"{kind}.h5", tmp_path / kind)
    tracks = [
        (tmp_path / kind / "target_0.bedgraph").read_text()
        for kind in ("whole", "real")
    ]
    assert tracks[0] == tracks[1] != ""
    assert len(np.load(tmp_path / "whole" / "attributions.npz")["sequences"]) == 4


def test_no_track_or_logo_of_other_sequences_remains(model, genome, fasta, tmp_path):
    pytest.importorskip("logomaker", reason="needs the extra motifs")
    path, _ = genome
    bed = tmp_path / "in.bed"
    bed.write_text("chr1\t5\t17\n")
    output = tmp_path / "out"
    attribute_file(model, bed, output, genome=path, logos=1)
    (output / "target_0.notes.svg").write_text("mine")
    attribute_file(model, fasta, output, targets=["target_0"], overwrite=True)
    names = sorted(path.name for path in output.iterdir())
    assert names == ["attributions.npz", "target_0.notes.svg"]
