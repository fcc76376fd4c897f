"""Consistency training: a penalty on different answers to the two strands."""

from typing import Any

import keras
from keras import ops

from rckeras.symmetry.conjoined import check_one_sequence, turn_answers
from rckeras.symmetry.graph import graph_of
from rckeras.symmetry.heads import Head, find_heads
from rckeras.symmetry.strands import reverse_complement


@keras.saving.register_keras_serializable("rckeras")
class StrandConsistency(keras.Model):
    """Trains a network to give both strands about the same answer.

    To the loss comes `weight` times the divergence between the answers to a sequence
    and to its reverse complement, to which the network is applied a second time. Where
    an output ends in a sigmoid or softmax, the divergence is the symmetric
    Kullback-Leibler divergence in nats, that is the mean of both directions; otherwise
    the squared error. It is the mean over targets, and, as Keras takes it, the mean
    over sequences and positions of what their sample weights make of it. Masks play
    no part in it.

    The network is what is trained: it is the model to predict with and to save. In
    validation and inference there is no penalty, and the network runs once.

    Args:
        network: A functional or sequential model with one input `(batch, length, 4)`,
            letters in the order A, C, G, T, and any number of outputs.
        weight: Weight of the penalty, from 0. At 0 there is none, and no second pass.
        paired_channels: Whether channels `i` and `n - 1 - i` of the outputs are each
            other's reverse complement.
        **kwargs: `name` and other arguments of `keras.Model`.

    Input shape:
        That of the network.

    Output shape:
        That of the network.

    Raises:
        ValueError: If `weight` is negative, or the network has several inputs or
            another one.
        TypeError: If the network is neither functional nor sequential.

    Reference: Ma 2025 (arXiv 2509.18529), which takes language models.

    Example:

    >>> network = zoo.build("shrikumar-sim-20")
    >>> learner = StrandConsistency(network, weight=1.0)
    >>> learner.compile("adam", "binary_crossentropy")
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(8, 200))]
    >>> history = learner.fit(x, np.zeros((8, 3)), verbose=0)
    >>> network.predict(x, verbose=0).shape
    (8, 3)
    """

    def __init__(
        self,
        network: keras.Model,
        weight: float = 1.0,
        paired_channels: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_one_sequence(network)
        if not weight >= 0:
            raise ValueError(f"`weight` must be at least 0. Received: {weight}")
        self.network = network
        self.weight = weight
        self.paired_channels = paired_channels
        self._heads = find_heads(network)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs of the network, by which losses may go."""
        return graph_of(self.network).output_names

    def build(self, input_shape: Any) -> None:
        """Nothing is left to build: the network has its weights."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The answers of the network."""
        return self.network(inputs, training=training)

    def compute_output_shape(self, input_shape: tuple) -> Any:
        """That of the network."""
        return self.network.compute_output_shape(input_shape)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss and, in training, the penalty; Keras calls it."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training or self.weight == 0:
            return loss
        (sequences,) = keras.tree.flatten(x)
        # Dropout would be off in a copy, and batch normalization must see this, too.
        others = self.network(reverse_complement(sequences), training=True)
        penalty = self._compare(y_pred, others, sample_weight)
        return loss + self.weight * ops.cast(penalty, loss.dtype)

    def _compare(self, answers: Any, others: Any, sample_weight: Any) -> Any:
        """The divergence, summed over outputs."""
        answers, others = keras.tree.flatten(answers), keras.tree.flatten(others)
        weights = keras.tree.flatten(sample_weight) if sample_weight is not None else []
        if len(weights) != len(answers):
            weights = [weights[0] if weights else None] * len(answers)
        total = 0.0
        for answer, other, weight, head in zip(
            answers, others, weights, self._heads, strict=True
        ):
            # Half precision has no room for the logarithm of what is close to 1.
            answer = ops.cast(answer, "float32")
            other = turn_answers(ops.cast(other, "float32"), self.paired_channels)
            each = _diverge(answer, other, head)
            total += ops.mean(each if weight is None else _weigh(each, weight))
        return total

    def get_config(self) -> dict:
        """Return the arguments of the model."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "weight": self.weight,
            "paired_channels": self.paired_channels,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: Any = None) -> Any:
        """The model of a configuration."""
        network = keras.saving.deserialize_keras_object(
            config["network"], custom_objects=custom_objects
        )
        return cls(**{**config, "network": network})


def _weigh(each: Any, weight: Any) -> Any:
    """Divergences times weights of the sequences, or of their positions."""
    weight = ops.cast(weight, "float32")
    while len(weight.shape) > len(each.shape):
        weight = ops.squeeze(weight, axis=-1)
    while len(weight.shape) < len(each.shape):
        weight = ops.expand_dims(weight, axis=-1)
    return each * weight


def _diverge(answer: Any, other: Any, head: Head | None) -> Any:
    """How far two answers lie apart, for each sequence or each of its positions."""
    if head is None:
        return ops.mean(ops.square(answer - other), axis=-1)
    epsilon = keras.config.epsilon()
    p, q = (ops.clip(each, epsilon, 1 - epsilon) for each in (answer, other))
    apart = (p - q) * (ops.log(p) - ops.log(q)) / 2
    if head.activation == "softmax":
        return ops.sum(apart, axis=head.axis)
    # That of the other class, for which p and 1 - p change places.
    apart = apart + (q - p) * (ops.log1p(-p) - ops.log1p(-q)) / 2
    return ops.mean(apart, axis=-1)
