"""The audit: verdicts by measurement, first breaks, reasons, symmetric lengths."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from rckeras import audit_strand_symmetry
from rckeras.layers import (
    DenseAfterRevcomp,
    MonteCarloDropout,
    Projection1D,
    RevCompBatchNormalization,
    RevCompBidirectional,
    RevCompConv1D,
    RevCompDropout,
    RevCompMaxPooling,
    WeightedSum1D,
)
from rckeras.symmetry.windows import padding_surplus


def sequential(length, *stack):
    return keras.Sequential([keras.Input((length, 4)), *stack])


def verdicts(model, **kwargs):
    return {r.kind: r.symmetry for r in audit_strand_symmetry(model, **kwargs).layers}


def test_symmetric_network_is_invariant_layer_by_layer():
    model = sequential(
        60,
        RevCompConv1D(6, 11),
        RevCompBatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling1D(10),
        RevCompDropout(0.2, monte_carlo=True),
        WeightedSum1D(),
        DenseAfterRevcomp(3, activation="sigmoid"),
    )
    report = audit_strand_symmetry(model)
    assert report.symmetry == "invariant"
    assert report.first_break is None
    assert report.symmetric_lengths is None
    assert [r.symmetry for r in report.layers] == ["equivariant"] * 6 + ["invariant"]
    assert all(r.training_symmetry == r.symmetry for r in report.layers)


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        (layers.Conv1D(8, 5), "RevCompConv1D"),
        (layers.BatchNormalization(), "RevCompBatchNormalization"),
        (layers.LSTM(3, return_sequences=True), "RevCompBidirectional"),
        (layers.Bidirectional(layers.LSTM(3)), "RevCompBidirectional"),
        (layers.Dense(3), "Projection1D"),
        (layers.Cropping1D((1, 2)), "one end"),
        (layers.PReLU(alpha_initializer="normal"), "not tied"),
        (MonteCarloDropout(0.3), "RevCompDropout"),
        (Projection1D(6), "revcomp=True"),
        (WeightedSum1D(revcomp=False), "revcomp=True"),
        (layers.MaxPooling1D(7), "49 or 56"),
        (layers.Conv1D(4, 4, padding="causal"), "one end"),
    ],
)
def test_layer_that_breaks_the_symmetry_is_named_with_its_reason(layer, word):
    model = sequential(56, RevCompConv1D(4, 3), layer)
    report = audit_strand_symmetry(model)
    assert report.symmetry == "broken"
    assert report.first_break.name == layer.name
    assert word in report.first_break.reason
    assert layer.name in str(report)


def test_layers_behind_a_break_are_judged_by_themselves():
    model = sequential(56, layers.Conv1D(8, 5), layers.ReLU(), layers.MaxPooling1D(5))
    report = audit_strand_symmetry(model)
    assert [r.symmetry for r in report.layers] == ["broken", "equivariant", "broken"]


def test_fresh_batch_normalization_is_not_taken_for_symmetric():
    model = sequential(56, RevCompConv1D(4, 3), layers.BatchNormalization())
    assert verdicts(model)["BatchNormalization"] == "broken"
    own = verdicts(model, randomize_weights=False)
    assert own["BatchNormalization"] == "equivariant"


def test_ordinary_dropout_breaks_the_symmetry_in_training_only():
    report = audit_strand_symmetry(
        sequential(56, RevCompConv1D(4, 3), layers.Dropout(0.5))
    )
    row = report.layers[-1]
    assert (row.symmetry, row.training_symmetry) == ("equivariant", "broken")
    assert "RevCompDropout" in row.reason
    assert report.first_break is None


def test_crnn_pool_of_seven_is_named_with_the_nearest_symmetric_lengths():
    model = sequential(
        1000,
        RevCompConv1D(4, 30),
        layers.LeakyReLU(0.01),
        layers.MaxPooling1D(7, name="pool1"),
        RevCompConv1D(4, 11),
        layers.MaxPooling1D(2),
        RevCompBidirectional(layers.LSTM(2, return_sequences=True)),
        layers.GlobalAveragePooling1D(),
        DenseAfterRevcomp(2),
    )
    report = audit_strand_symmetry(model, samples=4)
    assert report.first_break.name == "pool1"
    assert "5 of 971" in report.first_break.reason
    assert report.symmetric_lengths == (995, 1009)
    assert "995 or 1009" in str(report)


STACKS = {
    "deepsea": (1000, [(8, 1), (4, 4), (8, 1), (4, 4), (8, 1)], (995, 1011)),
    "danq": (1000, [(26, 1), (13, 13)], None),
    "danq-jaspar": (1000, [(30, 1), (15, 15)], (989, 1004)),
    "first-layer cnn": (
        500,
        [(19, 1), (6, 6), (11, 1), (2, 2), (7, 1), (2, 2)],
        (486, 510),
    ),
    "first-layer danq": (500, [(26, 1), (13, 13)], (493, 506)),
    "prdm9": (1000, [(30, 1), (8, 8), (4, 1)], (997, 1005)),
}


@pytest.mark.parametrize("name", STACKS)
def test_symmetric_lengths_are_searched_over_the_whole_stack(name):
    length, windows, expected = STACKS[name]
    stack = [
        layers.Conv1D(2, size) if strides == 1 else layers.MaxPooling1D(size)
        for size, strides in windows
    ]
    report = audit_strand_symmetry(sequential(length, *stack), samples=2)
    assert report.symmetric_lengths == expected


def test_same_padding_with_strides_is_part_of_the_search():
    stack = [
        layers.Conv1D(2, 19, padding="same"),
        layers.MaxPooling1D(50, 2),
        layers.Conv1D(2, 5, padding="same"),
        layers.MaxPooling1D(50),
    ]
    report = audit_strand_symmetry(sequential(200, *stack), samples=2)
    assert report.symmetric_lengths == (148, 248)


def test_found_lengths_are_symmetric_and_those_between_are_not():
    report = audit_strand_symmetry(sequential(83, layers.MaxPooling1D(9)), samples=2)
    below, above = report.symmetric_lengths
    surplus = {n: padding_surplus(n, 9, 9, "valid") for n in range(below, above + 1)}
    assert [n for n, rest in surplus.items() if not rest] == [below, above]


def test_branches_are_followed():
    x = keras.Input((40, 4))
    a = RevCompConv1D(3, 5)(x)
    b = RevCompConv1D(3, 5)(x)
    model = keras.Model(x, RevCompMaxPooling()(layers.add([a, b])))
    assert audit_strand_symmetry(model).symmetry == "invariant"


def test_operations_without_a_layer_are_judged():
    x = keras.Input((40, 4))
    model = keras.Model(x, ops.flip(RevCompConv1D(3, 5)(x), axis=1))
    report = audit_strand_symmetry(model)
    assert report.symmetry == "equivariant"
    broken = keras.Model(x, RevCompConv1D(3, 5)(x)[:, 1:])
    assert audit_strand_symmetry(broken).symmetry == "broken"


def test_constant_output_is_not_called_symmetric():
    head = layers.Dense(2, kernel_initializer="zeros")
    model = sequential(40, RevCompConv1D(3, 5), layers.GlobalMaxPooling1D(), head)
    report = audit_strand_symmetry(model, randomize_weights=False)
    assert report.symmetry == "constant"


def test_softmax_of_two_columns_is_not_taken_for_a_channel_pair():
    model = sequential(40, layers.Conv1D(3, 5), layers.GlobalMaxPooling1D())
    model.add(layers.Dense(2, activation="softmax"))
    assert audit_strand_symmetry(model).symmetry == "broken"


def test_subclassed_model_is_judged_as_a_whole():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = RevCompConv1D(3, 5)
            self.pool = RevCompMaxPooling()

        def call(self, x):
            return self.pool(self.conv(x))

    model = Plain()
    model(np.zeros((1, 40, 4), "float32"))
    report = audit_strand_symmetry(model, length=40)
    assert report.symmetry == "invariant"
    assert report.layers == ()


def test_given_sequences_are_measured_and_the_model_is_unchanged():
    model = sequential(None, RevCompConv1D(3, 5), RevCompDropout(0.1, monte_carlo=True))
    before = [ops.convert_to_numpy(v).copy() for v in model.variables]
    x = np.eye(4)[np.random.default_rng(0).integers(4, size=(3, 33))]
    report = audit_strand_symmetry(model, x=x)
    assert report.length == 33
    assert report.symmetry == "equivariant"
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


def test_unknown_length_and_missing_length_axis_are_refused():
    with pytest.raises(ValueError, match="length=None"):
        audit_strand_symmetry(sequential(None, RevCompConv1D(3, 5)))
    flat = keras.Sequential([keras.Input((8,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"\(None, 8\)"):
        audit_strand_symmetry(flat)


def test_dense_layer_on_a_vector_is_told_of_its_tied_form():
    model = sequential(40, RevCompConv1D(3, 5), layers.GlobalMaxPooling1D())
    model.add(layers.Dense(2))
    assert "DenseAfterRevcomp" in audit_strand_symmetry(model).first_break.reason


def test_layers_of_nested_models_are_judged_one_by_one():
    inner = sequential(83, RevCompConv1D(3, 5), layers.MaxPooling1D(9, name="pool"))
    x = keras.Input((83, 4))
    report = audit_strand_symmetry(keras.Model(x, RevCompMaxPooling()(inner(x))))
    assert report.first_break.name == f"{inner.name}/pool"
    assert report.symmetric_lengths == (76, 85)
    assert len(report.layers) == 3


@pytest.mark.parametrize("kind", [dict, list])
def test_models_of_several_inputs_are_audited(kind):
    a, b = keras.Input((40, 4), name="a"), keras.Input((3,), name="b")
    dense = layers.concatenate([RevCompMaxPooling()(RevCompConv1D(3, 5)(a))[:, 0], b])
    inputs = {"b": b, "a": a} if kind is dict else [b, a]
    model = keras.Model(inputs, layers.Dense(2)(dense))
    assert audit_strand_symmetry(model).symmetry == "invariant"


def test_asymmetric_parts_that_cancel_are_no_break():
    base = sequential(40, layers.Conv1D(3, 5), layers.GlobalMaxPooling1D())
    x = keras.Input((40, 4))
    both = layers.average([base(x), base(ops.flip(x, axis=(1, 2)))])
    report = audit_strand_symmetry(keras.Model(x, both))
    assert report.symmetry == "invariant"
    assert report.first_break is None
    assert "cancel" in str(report)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_not_taken_for_a_break(dtype):
    stack = [RevCompConv1D(4, 7, dtype=dtype, activation="elu") for _ in range(3)]
    model = sequential(60, *stack, RevCompMaxPooling(dtype=dtype))
    report = audit_strand_symmetry(model)
    assert [row.symmetry for row in report.layers] == ["equivariant"] * 3 + [
        "invariant"
    ]
    broken = sequential(60, layers.Conv1D(4, 7, dtype=dtype))
    assert audit_strand_symmetry(broken).symmetry == "broken"


def test_infinite_outputs_are_not_called_broken():
    model = sequential(40, RevCompConv1D(3, 5), layers.Lambda(lambda x: x / 0.0))
    assert audit_strand_symmetry(model).symmetry == "not finite"


def test_wrong_arguments_are_named():
    model = sequential(40, RevCompConv1D(3, 5))
    with pytest.raises(TypeError, match="'prdm9'"):
        audit_strand_symmetry("prdm9")
    with pytest.raises(ValueError, match="samples=1"):
        audit_strand_symmetry(model, samples=1)
    with pytest.raises(ValueError, match=r"\(2, 41, 4\)"):
        audit_strand_symmetry(model, x=np.zeros((2, 41, 4)))
