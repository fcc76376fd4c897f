"""Conjoined networks: any network, run on both strands, whose answers are merged."""

from typing import Any

import keras
from keras import ops

from rckeras.symmetry.graph import graph_of
from rckeras.symmetry.heads import Head, find_heads, is_taken, without_heads
from rckeras.symmetry.strands import reverse_complement

MERGES = ("logits", "mean", "max")


def conjoin(
    model: keras.Model, merge: str = "logits", paired_channels: bool = False
) -> keras.Model:
    """A network that gives both strands the same answer, made of one that does not.

    It runs the network on a batch of the sequences and their reverse complements, and
    merges the answers. Made of a trained network it is the post-hoc conjoined network
    of Zhou et al.; made before training, and trained, the conjoined (siamese) one.

    Args:
        model: A model with one input `(batch, length, 4)`, letters in the order A, C,
            G, T, and any number of outputs. It keeps its weights, and the new model
            gets a copy of them.
        merge: `"logits"` for the mean of the logits, where an output ends in a sigmoid
            or softmax, and the mean of the outputs where it does not; `"mean"` for that
            of the outputs in any case; `"max"` for the larger of the outputs.
        paired_channels: Whether channels `i` and `n - 1 - i` of the outputs are each
            other's reverse complement, such as targets of either strand.

    Returns:
        A functional model from `(batch, length, 4)` to the outputs of `model`, not
        compiled. Outputs `(batch, length, channels)` are turned back along their
        length before they are merged.

    Raises:
        ValueError: If `merge` is unknown, or the model has several inputs or another
            one; for `"logits"`, if other layers take the answers of a layer of which
            the activation would be moved, or a last softmax has a mask.
        TypeError: If the model is neither functional nor sequential, or, for
            `"logits"`, ends in one that is not.

    Reference: Zhou, Shrikumar and Kundaje 2022 (PMLR 165:1-33), section 2.

    Example:

    >>> model = zoo.build("shrikumar-sim-20")
    >>> both = conjoin(model)
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(2, 200))]
    >>> y = both.predict(x, verbose=0)
    >>> bool(np.allclose(y, both.predict(x[:, ::-1, ::-1], verbose=0), atol=1e-6))
    True
    """
    if merge not in MERGES:
        raise ValueError(
            f"`merge` must be one of {', '.join(MERGES)}. Received: {merge!r}"
        )
    check_one_sequence(model)
    body, heads = _copy(model), [None] * len(model.outputs)
    if merge == "logits":
        try:
            heads = find_heads(model)
            _check_weights(model, heads)
            body = without_heads(body) if any(heads) else body
        except (TypeError, ValueError) as error:
            other = "or give merge='mean' or merge='max'"
            raise type(error)(f"{error}; {other}") from error
    kind = "max" if merge == "max" else "mean"
    return _on_both_strands(model, body, heads, kind, paired_channels, "conjoined")


def pair_strands(model: keras.Model, paired_channels: bool = False) -> keras.Model:
    """A network that gives its answers for both strands, side by side.

    What `conjoin` would merge, to be compared or merged otherwise. All layers are those
    of the network, which is not copied.

    Args:
        model: As for `conjoin`.
        paired_channels: As for `conjoin`.

    Returns:
        A functional model from `(batch, length, 4)` to, for each output of `model`, the
        answers for the sequence and for its reverse complement along a new axis 1:
        `(batch, 2, targets)`, or `(batch, 2, length, channels)`, turned back along the
        length.

    Raises:
        ValueError: If the model has several inputs or another one.
        TypeError: If it is neither functional nor sequential.

    Example:

    >>> pair_strands(zoo.build("shrikumar-sim-20")).output_shape
    (None, 2, 3)
    """
    check_one_sequence(model)
    heads = [None] * len(model.outputs)
    return _on_both_strands(model, model, heads, "stack", paired_channels, "strands")


def _on_both_strands(
    model: keras.Model,
    body: keras.Model,
    heads: list[Head | None],
    merge: str,
    paired_channels: bool,
    suffix: str,
) -> keras.Model:
    """Runs `body`, made of `model`, on both strands, and merges its answers."""
    (given,) = model.inputs
    # Of the dtypes of the network, whatever the policy is by now.
    sequence = keras.Input(given.shape[1:], dtype=given.dtype, name=given.name)
    both = BothStrands(name="both_strands", dtype=given.dtype)(sequence)
    answers = body(both)
    merged = []
    for answer, head, name in zip(
        keras.tree.flatten(answers), heads, _output_names(model), strict=True
    ):
        between = name if head is None else f"{name}_logits"
        dtype = keras.backend.standardize_dtype(answer.dtype)
        answer = MergeStrands(merge, paired_channels, name=between, dtype=dtype)(answer)
        if head is not None and head.activation == "softmax":
            answer = keras.layers.Softmax(head.axis, name=name, dtype=dtype)(answer)
        elif head is not None:
            answer = keras.layers.Activation("sigmoid", name=name, dtype=dtype)(answer)
        merged.append(answer)
    outputs = keras.tree.pack_sequence_as(answers, merged)
    return keras.Model(sequence, outputs, name=f"{model.name}_{suffix}")


def _output_names(model: keras.Model) -> list[str]:
    """Those of the model, for losses go by them, but each of them once."""
    names = graph_of(model).output_names
    before = [names[:place].count(name) for place, name in enumerate(names)]
    return [f"{a}_{n}" if n else a for a, n in zip(names, before, strict=True)]


def _check_weights(model: keras.Model, heads: list[Head | None]) -> None:
    """Refuse a network some weights of which would be there twice, and drift apart."""
    for head in heads:
        if head is not None and head.weights and is_taken(head, model):
            name = head.operation.name
            raise ValueError(
                f"the {head.activation} of '{name}' is moved behind the merge, and "
                "other layers take what it gives; make it a layer of its own, "
                f"keras.layers.Activation('{head.activation}')"
            )


@keras.saving.register_keras_serializable("rckeras")
class BothStrands(keras.layers.Layer):
    """Appends to a batch the reverse complements of its sequences.

    Input shape:
        `(batch, length, channels)`.

    Output shape:
        `(2 * batch, length, channels)`.

    Reference: Zhou, Shrikumar and Kundaje 2022, section 2.

    Example:

    >>> tuple(BothStrands()(np.zeros((3, 20, 4))).shape)
    (6, 20, 4)
    """

    def call(self, inputs: Any) -> Any:
        """Append the other strands."""
        return ops.concatenate([inputs, reverse_complement(inputs)])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Twice the batch."""
        batch = input_shape[0]
        return (None if batch is None else 2 * batch, *input_shape[1:])


@keras.saving.register_keras_serializable("rckeras")
class MergeStrands(keras.layers.Layer):
    """Merges the answers for both strands, in the order of `BothStrands`.

    Args:
        merge: `"mean"`, `"max"`, or `"stack"` to keep both along a new axis 1.
        paired_channels: Whether channels `i` and `n - 1 - i` are each other's reverse
            complement.
        **kwargs: `name`, `dtype` and other arguments of `keras.layers.Layer`.

    Input shape:
        `(2 * batch, channels)`, or `(2 * batch, length, channels)`, of which the second
        half is turned back along the length.

    Output shape:
        The same with half the batch; of `"stack"` `(batch, 2, ...)`.

    Raises:
        ValueError: If `merge` is unknown, or the inputs have another number of axes.

    Reference: Zhou, Shrikumar and Kundaje 2022, section 2.

    Example:

    >>> merged = MergeStrands("max")(np.array([[0.25], [0.75]]))
    >>> keras.ops.convert_to_numpy(merged).tolist()
    [[0.75]]
    """

    def __init__(
        self, merge: str = "mean", paired_channels: bool = False, **kwargs: Any
    ):
        super().__init__(**kwargs)
        if merge not in ("mean", "max", "stack"):
            raise ValueError(
                f"`merge` must be 'mean', 'max' or 'stack'. Received: {merge!r}"
            )
        self.merge = merge
        self.paired_channels = paired_channels
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        """Check the number of axes."""
        if len(input_shape) not in (2, 3):
            raise ValueError(
                f"Layer '{self.name}' merges (batch, channels) or (batch, length, "
                f"channels). Received shape {tuple(input_shape)}"
            )

    def call(self, inputs: Any) -> Any:
        """Merge the two halves of the batch."""
        forward, other = ops.split(inputs, 2)
        other = turn_answers(other, self.paired_channels)
        if self.merge == "stack":
            return ops.stack([forward, other], axis=1)
        if self.merge == "max":
            return ops.maximum(forward, other)
        return (forward + other) / 2

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Half the batch."""
        batch = None if input_shape[0] is None else input_shape[0] // 2
        both = (2,) if self.merge == "stack" else ()
        return (batch, *both, *input_shape[1:])

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of both strands, turned back as they are."""
        if previous_mask is None:
            return None
        forward, other = ops.split(previous_mask, 2)
        other = ops.flip(other, axis=1) if len(other.shape) > 1 else other
        if self.merge == "stack":
            return ops.stack([forward, other], axis=1)
        return ops.logical_and(forward, other)

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {
            **super().get_config(),
            "merge": self.merge,
            "paired_channels": self.paired_channels,
        }


def turn_answers(answers: Any, paired_channels: bool = False) -> Any:
    """Answers for the other strand, as they are compared with those for this one.

    Args:
        answers: Tensor `(batch, channels)`, or `(batch, length, channels)`, which is
            turned back along its length.
        paired_channels: Whether channels `i` and `n - 1 - i` are each other's reverse
            complement, and change places.
    """
    axes = [1] if len(answers.shape) == 3 else []
    axes += [-1] if paired_channels else []
    return ops.flip(answers, axis=tuple(axes)) if axes else answers


def check_one_sequence(model: keras.Model) -> None:
    """Refuse a model that cannot be run on both strands of one sequence.

    Raises:
        ValueError: If it has several inputs or another one.
        TypeError: If it is neither functional nor sequential.
    """
    if graph_of(model) is None:
        raise TypeError(
            "`model` must be a functional or a built sequential model; make one of "
            "another by keras.Model(x, model(x)) with x = keras.Input((length, 4)). "
            f"Received: {type(model).__name__} '{model.name}'"
        )
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 3:
        shapes = [tuple(tensor.shape) for tensor in model.inputs]
        raise ValueError(
            "`model` must have one input, of shape (batch, length, 4). Where there are "
            "others, conjoin the part that reads the sequence, and build the rest on "
            f"its output. Received inputs of shapes {shapes}"
        )


def _copy(model: keras.Model) -> keras.Model:
    """The same network with weights of its own."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy
