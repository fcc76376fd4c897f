import gzip
from dataclasses import replace

import numpy as np
import pytest

from zoo.recipes import find_recipe
from zoo.recipes.invivo import find_experiments, load_experiment

FASTA = {
    "lsgkm": ("tr.fa", "neg.tr.fa", "test.fa", "neg.test.fa"),
    "gkmexplain": (
        "positives_train.fa",
        "negatives_train.fa",
        "positives_test.fa",
        "negatives_test.fa",
    ),
}


def letters(rng, count, length=101, motif=""):
    """Random sequences that begin with a motif in their middle."""
    drawn = ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]
    start = length // 2
    return [s[:start] + motif + s[start + len(motif) :] for s in drawn]


def write_deepbind(folder, name, peaks=200, kinds=("AC", "B"), seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = {
        "AC": [(f"seq_{i:05}_peak", s, 1) for i, s in enumerate(peak(rng, peaks))],
        "B": [(f"seq_{i:05}_peak", s, 1) for i, s in enumerate(peak(rng, 40))]
        + [(f"seq_{i:05}_shuf", s, 0) for i, s in enumerate(letters(rng, 40))],
    }
    for kind in kinds:
        lines = ["FoldID\tEventID\tseq\tBound\n"]
        lines += [f"A\t{event}\t{s}\t{bound}\n" for event, s, bound in rows[kind]]
        path = folder / f"{name}_{kind}.seq.gz"
        path.write_bytes(gzip.compress("".join(lines).encode()))


def peak(rng, count):
    return letters(rng, count, motif="TGACTCA" * 2)


def write_fasta(folder, name, kinds, lengths=(80, 101, 200)):
    rng = np.random.default_rng(1)
    for kind in kinds:
        records = [
            f">{i}\n{letters(rng, 1, lengths[i % len(lengths)])[0]}\n"
            for i in range(30)
        ]
        (folder / f"{name}.{kind}").write_text("".join(records))


def test_pairs_are_found_in_folders_below_and_the_rest_is_left_out(tmp_path):
    write_deepbind(tmp_path, "one")
    write_deepbind(tmp_path / "more" / "yet", "two_(x)")
    write_deepbind(tmp_path, "held_out_alone", kinds=("B",))
    write_deepbind(tmp_path, "train_alone", kinds=("AC",))
    write_fasta(tmp_path, "three", FASTA["lsgkm"])
    write_fasta(tmp_path, "four", FASTA["gkmexplain"])
    write_fasta(tmp_path, "five", FASTA["gkmexplain"][:3])
    found = find_experiments(tmp_path)
    assert list(found) == ["two_(x)", "one", "three", "four"]
    assert [file.name for file in found["three"]] == [
        f"three.{kind}" for kind in FASTA["lsgkm"]
    ]
    assert found["two_(x)"][1] == tmp_path / "more/yet/two_(x)_B.seq.gz"


def test_a_name_that_comes_twice_is_refused(tmp_path):
    write_deepbind(tmp_path, "one")
    write_deepbind(tmp_path / "more", "one")
    with pytest.raises(ValueError, match=r"one experiment of a name.*more"):
        find_experiments(tmp_path)


def test_a_folder_without_experiments_is_refused(tmp_path):
    with pytest.raises(ValueError, match=f"NAME_AC.*Received: {tmp_path}"):
        find_experiments(tmp_path)


def test_an_experiment_is_loaded_when_it_is_asked_for(tmp_path):
    write_deepbind(tmp_path, "one")
    sources = find_recipe("invivo-strands").data(tmp_path)
    dataset = sources["one"]()
    assert dataset.split_sizes() == {"train": 360, "validation": 40, "test": 80}
    assert dataset.labels.mean() == 0.5


def test_of_many_peaks_a_part_is_kept_with_their_shuffles(tmp_path):
    write_deepbind(tmp_path, "one", peaks=1000)
    files = find_experiments(tmp_path)["one"]
    dataset = load_experiment(files, most=400)
    again = load_experiment(files, most=400)
    assert (dataset.sequences == again.sequences).all()
    sizes = dataset.split_sizes()
    assert sizes["train"] + sizes["validation"] == 800
    assert sizes["test"] == 80
    for split in ("train", "validation"):
        part = dataset.split(split)
        bound = part.sequences[part.labels[:, 0] == 1]
        shuffled = part.sequences[part.labels[:, 0] == 0]
        counts = [
            np.sort(np.stack([(x == base).sum(axis=1) for base in range(4)]))
            for x in (bound, shuffled)
        ]
        assert (counts[0] == counts[1]).all()


def test_the_part_that_is_kept_is_not_drawn_as_validation_is(tmp_path):
    write_deepbind(tmp_path, "one", peaks=1000)
    sizes = load_experiment(find_experiments(tmp_path)["one"], most=200).split_sizes()
    assert 20 <= sizes["validation"] <= 70


def test_sequences_of_fasta_files_are_cropped_and_padded(tmp_path):
    write_fasta(tmp_path, "one", FASTA["lsgkm"])
    dataset = load_experiment(find_experiments(tmp_path)["one"])
    assert dataset.length == 101
    assert dataset.split_sizes() == {"train": 54, "validation": 6, "test": 60}
    assert dataset.notes["cropped"] == dataset.notes["padded"] == 40


def test_the_published_experiments_are_found(shared_data):
    found = find_experiments(shared_data)
    trained = [*shared_data.rglob("*_AC.seq.gz")]
    assert len(found) == len(trained) + 2
    assert {"nfe2_gm12878", "nanog_h1esc"} < set(found)
    dataset = load_experiment(found["nanog_h1esc"])
    assert dataset.sequences.max() < 4
    assert dataset.split_sizes()["test"] == 960 + 964


@pytest.mark.parametrize("name", ["invivo-strands", "invivo-dropout"])
def test_tests_compare_networks_with_the_same_share(name):
    recipe = find_recipe(name)
    for pair in recipe.remarks[0].keywords["pairs"]:
        better, other = map(recipe.row, pair)
        assert better.train_share == other.train_share
        assert better != other


def test_some_ways_are_run_on_fewer_sequences_too():
    rows = find_recipe("invivo-strands").rows
    shares = [row.train_share for row in rows]
    assert shares == [1.0] * 12 + [0.05] * 6 + [0.2] * 6 + [0.8] * 6
    assert len({row.name for row in rows}) == len(rows)
    whole = {row.name.rsplit(",", 1)[0]: row for row in rows[:12]}
    for row in rows[12:]:
        other = whole[row.name.rsplit(",", 1)[0]]
        assert (row.network, row.arguments) == (other.network, other.arguments)
        assert row.settings == other.settings


def test_the_tied_networks_have_fewer_weights_than_the_one_of_as_many_channels():
    from zoo import build

    counts = {
        row.name: build(
            row.network, sequence_length=100, **row.arguments
        ).count_params()
        for row in find_recipe("invivo-strands").rows[:12]
    }
    for name in ("weighted sum", "sum", "average", "max"):
        assert counts[f"RC, {name}, 100%"] < counts["standard, 16 filters, 100%"]


def test_each_way_is_compared_with_the_standard_one_of_its_share():
    recipe = find_recipe("invivo-strands")
    compared = {
        better
        for better, other in recipe.remarks[0].keywords["pairs"]
        if other.rpartition(",")[0] == "standard"
    }
    names = {row.name for row in recipe.rows}
    assert compared == {name for name in names if name.rpartition(",")[0] != "standard"}


@pytest.mark.parametrize("row", find_recipe("invivo-dropout").rows, ids=str)
def test_networks_with_dropout_read_all_bases_with_one_output(row):
    from zoo import build

    model = build(row.network, targets=1, sequence_length=101, **row.arguments)
    assert model.output_shape == (None, 1)
    assert model.layers[-1].activation.__name__ == "sigmoid"


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("invivo-strands", "RC, weighted sum, 20%"),
        ("invivo-dropout", "equivariant, Bayesian dropout"),
    ],
)
def test_a_folder_is_run_from_files_to_results(tmp_path, monkeypatch, name, row):
    pytest.importorskip("sklearn")
    from zoo.experiment import reproduce
    from zoo.records import read_records

    write_deepbind(tmp_path / "data", "one")
    recipe = find_recipe(name)
    settings = replace(recipe.settings, epochs=1, samples_per_epoch=100)
    recipe = replace(recipe, settings=settings)
    monkeypatch.setattr("zoo.experiment.find_recipe", lambda name: recipe)
    reproduce(
        name, tmp_path / "out", rows=[row], data=tmp_path / "data", progress=False
    )
    (line,) = read_records(tmp_path / "out").results
    assert (line["dataset"], line["row"]) == ("one", row)
    assert all(line[metric] >= 0 for metric in recipe.metrics)
    assert 0 < line["test_auroc"] < 1


def test_sampled_predictions_are_means_over_networks(tmp_path):
    pytest.importorskip("sklearn")
    from rckeras.interpret import predict_mc
    from zoo import build
    from zoo.measures import sampled_ranking

    write_deepbind(tmp_path, "one")
    dataset = load_experiment(find_experiments(tmp_path)["one"])
    network = build("prdm9", targets=1, sequence_length=101)
    found = sampled_ranking(network, dataset, tmp_path, samples=5)
    x, y = dataset.arrays("test")
    mean, _ = predict_mc(network, x, samples=5)
    right = (mean[:, 0] > 0.5) == (y[:, 0] == 1)
    assert found["test_accuracy"] == pytest.approx(right.mean())
    one, zero = mean[y[:, 0] == 1], mean[y[:, 0] == 0]
    above = np.sign(one - zero.T)
    assert found["test_auroc"] == pytest.approx((above.mean() + 1) / 2, abs=1e-6)


def test_predictions_without_chance_are_those_of_the_network(tmp_path):
    pytest.importorskip("sklearn")
    from zoo import build
    from zoo.measures import sampled_ranking

    write_deepbind(tmp_path, "one")
    dataset = load_experiment(find_experiments(tmp_path)["one"])
    network = build("shrikumar-chip-rc", sequence_length=100, filters=2)
    found = sampled_ranking(network, dataset, tmp_path)
    x, y = dataset.arrays("validation", length=100)
    right = (network.predict(x, verbose=0) > 0.5) == (y == 1)
    assert found["validation_accuracy"] == pytest.approx(right.mean())
