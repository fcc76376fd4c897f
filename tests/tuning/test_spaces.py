import itertools
import subprocess
import sys

import keras_tuner
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from rckeras import audit_strand_symmetry
from tuning.spaces import Choice, find_space, list_spaces
from tuning.spaces.space import tiled_length
from zoo.recipes import find_recipe

IMPORTS = """
import sys
import tuning, tuning.spaces, tuning.search
print(sorted({"keras", "keras_tuner", "tensorflow"} & set(sys.modules)))
"""

# As the papers print them.
RECOMBINATION = {
    "layers": (1, 2, 3, 4, 5),
    "first_length": (10, 15, 20, 30),
    "filters1": (8, 16, 32, 64),
    **{f"pool{i}": (4, 8, 12) for i in range(1, 5)},
    **{f"length{i}": (4, 8, 12) for i in range(2, 6)},
    **{f"filters{i}": (8, 16, 32, 64) for i in range(2, 6)},
    "activation": ("elu", "shifted_relu", "relu"),
    "l2": (0.0, 1e-4, 3e-4, 1e-3),
    "bayesian_dropout": (False, True),
    "equivariant": (False, True),
}
PRINTED = {
    "brown2018-recombination": RECOMBINATION,
    "brown2018-simulation": {
        "filters": (4, 6, 12),
        "l2": (0.0, 1e-4, 3e-4, 1e-3),
        "bayesian_dropout": (False, True),
        "equivariant": (False, True),
    },
    "shrikumar2017": {
        "revcomp": (False, True),
        "filters": (8, 16, 32),
        "widths": ("21", "15-14-14", "15"),
    },
    "hawkinshooker2018-first-layer": {
        "network": ("cnn", "danq"),
        "filters": (300, 500, 750, 1000),
        "projection": (False, True),
        "dropout": (False, True),
    },
    "hawkinshooker2018-crnn": {
        "filters": (320, 700),
        "projection": (False, True),
        "projection_width": (32, 64, 128),
    },
    "koo2019": {
        "filter_size": (3, 9, 19),
        "pool": (1, 2, 4, 10, 25, 50, 100),
        "pool_stride": ("pool", "2"),
        "filters": (30, 60, 90, 120),
    },
}


def combinations(space):
    """All values of a small space."""
    names = [choice.name for choice in space.choices]
    for values in itertools.product(*(choice.values for choice in space.choices)):
        chosen = dict(zip(names, values, strict=True))
        for choice in space.choices:
            if not choice.matters(chosen):
                del chosen[choice.name]
        yield chosen


def plain(arguments):
    return {k: list(v) if isinstance(v, tuple) else v for k, v in arguments.items()}


def test_each_space_has_the_values_that_its_paper_prints():
    found = {
        name: {choice.name: choice.values for choice in find_space(name).choices}
        for name in list_spaces()
    }
    assert found == PRINTED


@pytest.mark.parametrize(
    ("name", "length", "targets", "changes", "count"),
    [
        ("brown2018-recombination", 1000, 2, {}, 1506),
        ("brown2018-recombination", 1000, 2, {"equivariant": False}, 3010),
        ("brown2018-simulation", 1000, 2, {}, 356),
        ("shrikumar2017", 200, 3, {"filters": 20}, 1983),
        ("shrikumar2017", 200, 3, {"filters": 20, "revcomp": False}, 2283),
        ("shrikumar2017", 1000, 1, {"widths": "15-14-14"}, 16209),
        (
            "shrikumar2017",
            1000,
            1,
            {"widths": "15-14-14", "revcomp": False},
            9025,
        ),
        ("hawkinshooker2018-first-layer", 500, 919, {}, 9900371),
        ("hawkinshooker2018-first-layer", 500, 919, {"network": "danq"}, 7864219),
        ("hawkinshooker2018-crnn", 1000, 919, {}, 2477479),
        ("hawkinshooker2018-crnn", 1000, 919, {"filters": 700}, 2547779),
        ("koo2019", 200, 12, {}, 160048),
        ("koo2019", 200, 12, {"filters": 60}, 181588),
        ("koo2019", 200, 12, {"pool": 4, "filter_size": 9}, 158848),
    ],
)
def test_the_papers_networks_are_points_of_its_space(
    name, length, targets, changes, count
):
    space = find_space(name)
    values = space.defaults | changes
    network, arguments = space.network(values, length, targets)
    given = {"targets": targets, "sequence_length": length}
    model = zoo.build(network, **given | arguments)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == count
    assert network in space.networks


def test_koos_networks_are_points_of_its_space():
    space = find_space("koo2019")
    found = [plain(space.network(v, 200, 12)[1]) for v in combinations(space)]
    usual = {
        "filters": [30, 128],
        "kernel_sizes": [19, 5],
        "pool_sizes": [25, 4],
    }
    names = "1 2 4 10 25 50 100 25-60 25-90 25-120"
    for name in [f"koo-cnn-{n}" for n in names.split()] + [
        "koo-cnn9-4",
        "koo-cnn9-25",
        "koo-cnn3-2",
        "koo-cnn3-50",
    ]:
        wanted = usual | zoo.describe(name).arguments
        assert wanted | {"pool_strides": wanted["pool_sizes"]} in found
    text = {"pool_sizes": [50, 50], "pool_strides": [2, 50]}
    assert usual | text in found  # CNN-50-2, as the text has it
    assert all(np.prod(each["pool_strides"]) == 100 for each in found)


def test_the_first_layer_space_is_the_experiment_of_the_paper():
    space = find_space("hawkinshooker2018-first-layer")
    found = [space.network(values, 500, 919) for values in combinations(space)]
    rows = find_recipe("hawkinshooker2018-first-layer-deepsea").rows
    wanted = [(row.network, dict(row.arguments)) for row in rows]
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_an_equivariant_network_reads_as_much_as_it_can_of_both_ends():
    space = find_space("brown2018-recombination")
    assert space.network(space.defaults, 1000, 2)[1]["sequence_length"] == 997
    plain = space.defaults | {"equivariant": False}
    assert "sequence_length" not in space.network(plain, 1000, 2)[1]


@pytest.mark.parametrize(
    ("name", "changes", "length"),
    [
        ("brown2018-recombination", {"layers": 3, "pool2": 4, "length3": 8}, 400),
        ("brown2018-simulation", {"filters": 6}, 41),
        ("shrikumar2017", {"widths": "15", "filters": 8}, 107),
    ],
)
def test_tied_networks_give_both_strands_the_same_answer(name, changes, length):
    space = find_space(name)
    values = space.defaults | {"pool2": 4, "length3": 4, "filters3": 8} | changes
    network, arguments = space.network(values, length, 2)
    model = zoo.build(network, **{"targets": 2, "sequence_length": length} | arguments)
    assert audit_strand_symmetry(model).symmetry == "invariant"


RECOMBINATION_VALUES = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in RECOMBINATION.items()}
)


@settings(deadline=None, max_examples=60)
@given(RECOMBINATION_VALUES, st.integers(10, 3000))
def test_networks_read_all_that_pools_can_share_out(values, length):
    space = find_space("brown2018-recombination")
    reason = space.infeasible(values, length)
    if reason is not None:
        assert "must be at least" in reason
        return
    _, arguments = space.network(values, length, 1)
    reads = arguments.get("sequence_length", length)
    width, stride = 1, 1
    sizes = zip(arguments["kernel_sizes"], arguments["pool_sizes"], strict=True)
    for size, pool in sizes:
        width += (size - 1 + (pool - 1)) * stride
        stride *= pool
    assert width <= reads <= length
    if values["equivariant"]:
        assert (reads - width) % stride == 0
        assert length - reads < stride
    else:
        assert reads == length


@settings(deadline=None, max_examples=10)
@given(RECOMBINATION_VALUES)
def test_what_is_not_found_infeasible_can_be_built(values):
    space = find_space("brown2018-recombination")
    if space.infeasible(values, 300) is None:
        network, arguments = space.network(values, 300, 1)
        given = {"targets": 1, "sequence_length": 300}
        zoo.build(network, **given | arguments)


@pytest.mark.parametrize("name", list_spaces())
def test_a_short_sequence_is_infeasible_for_a_reason(name):
    space = find_space(name)
    assert space.infeasible(space.defaults, 1000) is None
    assert "`sequence_length` must be at least" in space.infeasible(space.defaults, 3)


@pytest.mark.parametrize("name", [*list_spaces("[!b]*"), "brown2018-simulation"])
def test_the_size_counts_what_matters(name):
    space = find_space(name)
    distinct = {tuple(values.items()) for values in combinations(space)}
    assert space.size == len(distinct)


def test_the_size_of_the_recombination_space_follows_from_its_layers():
    layers = sum(4 * 4 * (3 * 3 * 4) ** (n - 1) for n in range(1, 6))
    assert find_space("brown2018-recombination").size == layers * 3 * 4 * 2 * 2


def test_values_that_do_not_matter_are_not_declared():
    hp = keras_tuner.HyperParameters()
    space = find_space("koo2019")
    assert space.declare(hp) == space.defaults
    hp = keras_tuner.HyperParameters()
    hp.values["pool"] = 2
    assert "pool_stride" not in space.declare(hp)


def test_a_value_can_be_fixed_and_a_list_takes_the_place_of_another():
    space = find_space("shrikumar2017").change({"revcomp": False, "filters": [20, 40]})
    hp = keras_tuner.HyperParameters()
    assert space.declare(hp) == {"revcomp": False, "filters": 20, "widths": "21"}
    assert space.size == 6
    assert [type(each).__name__ for each in hp.space] == ["Fixed", "Choice", "Choice"]


def test_what_no_longer_matters_is_left_out():
    space = find_space("brown2018-recombination").change({"layers": [1, 2]})
    names = [choice.name for choice in space.choices]
    assert "filters2" in names
    assert "pool2" not in names


def test_settings_of_training_can_be_varied():
    space = find_space("koo2019").change({"learning_rate": [1e-3, 1e-4]})
    assert space.choices[-1].values == (1e-3, 1e-4)
    assert space.size == 2 * find_space("koo2019").size


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"filter": 3}, ["'filter'", "filter_size, pool, pool_stride, filters"]),
        ({"filters": "many"}, ["'many'", "30, 60, 90, 120"]),
        ({"filters": []}, ["[]"]),
        ({"filters": True}, ["True"]),
        ({"filters": [30, 30]}, ["must differ", "(30, 30)"]),
        ({"pool": 20}, ["20", "on which others depend", "1, 2, 4, 10, 25, 50, 100"]),
    ],
)
def test_other_changes_are_refused_with_what_would_work(changes, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        find_space("koo2019").change(changes)
    assert all(word in str(error.value) for word in words)


def test_whole_numbers_may_stand_for_others():
    space = find_space("brown2018-simulation").change({"l2": [0, 0.1]})
    assert space.choices[1].values == (0.0, 0.1)


def test_an_unknown_space_is_refused_with_the_names_of_all():
    with pytest.raises(ValueError, match="Did you mean koo2019") as error:
        find_space("koo")
    assert all(name in str(error.value) for name in list_spaces())


def test_spaces_print_their_values_and_which_are_symmetric():
    for name in list_spaces():
        text = str(find_space(name))
        assert all(choice.name in text for choice in find_space(name).choices)
        assert "strands: " in text


def test_choices_of_several_kinds_are_refused():
    with pytest.raises(ValueError, match="one kind"):
        Choice("size", (1, "large"))


def test_the_tiled_length_is_the_longest():
    assert tiled_length(1000, [(30, 1), (8, 8), (4, 1)]) == 997
    assert tiled_length(997, [(30, 1), (8, 8), (4, 1)]) == 997
    with pytest.raises(ValueError, match="at least 61"):
        tiled_length(60, [(30, 1), (8, 8), (4, 1)])


def test_importing_the_searches_does_not_import_keras():
    found = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"
