"""Koo and Eddy's networks: how pooling decides what first filters learn."""

import keras

from zoo.architectures.head import predictions
from zoo.architectures.shapes import check_length, check_one_per_layer


def koo_cnn(
    targets: int = 12,
    sequence_length: int = 200,
    include_top: bool = True,
    filters: tuple[int, ...] = (30, 128),
    kernel_sizes: tuple[int, ...] = (19, 5),
    pool_sizes: tuple[int, ...] = (25, 4),
    pool_strides: tuple[int, ...] | None = None,
    pool_padding: str = "valid",
    hidden_units: int = 512,
    conv_dropout: float = 0.1,
    dropout: float = 0.5,
    l2: float = 1e-6,
    kernel_initializer: str = "glorot_uniform",
    name: str = "koo_cnn",
) -> keras.Model:
    """The CNN-p networks; the default is CNN-25, 160,048 parameters.

    Layers: for each convolution conv1 (30 x 19, padded), norm1, relu1, pool1 (25),
    dropout1 (.1) and so on with conv2 (128 x 5) and pool2 (4), then flatten (2 x 128),
    hidden (512), norm_hidden, relu_hidden, dropout_hidden (.5), predictions (sigmoid).
    The two strands of a sequence get different predictions.

    - CNN-p, p = 1 to 100: `pool_sizes=(p, 100 // p)`, 160,048 parameters.
    - CNN9-4: `kernel_sizes=(9, 5), pool_sizes=(4, 25)`, 158,848; CNN9-25, CNN3-2 and
      CNN3-50 likewise.
    - CNN-25 with 60 filters: `filters=(60, 128)`, 181,588; 90 and 120 likewise.
    - CNN19-1-2: `kernel_sizes=(19, 1), pool_sizes=(2, 50)`, 144,688.
    - CNN-50-2: `pool_sizes=(50, 50), pool_strides=(2, 50)`, 94,512.
    - CNN-1-1-100: `filters=(30, 128, 128), kernel_sizes=(19, 5, 5), pool_sizes=(1, 1,
      100)`, 242,224.

    Where the text and the released code differ, the text is followed, and arguments
    give the other:

    - CNN-50-2: the code has a second convolution of 64 filters and 96 hidden units,
      19,568 parameters, and that is what the name koo-cnn-50-2 gives in the zoo.
      The text says that it has as many parameters as CNN-2; with the unpadded pools of
      the code it has not, with `pool_padding="same"` it has.
    - CNN-1-1-100: the code assigns two layers to one variable, so that its first
      convolution, 30 x 19, is lost.

    The start is another matter: the text has He's initialization, the code Glorot's,
    and the paper's Table 1 comes out with Glorot's alone, which is the default. From
    He's a CNN-10 has a validation AUROC of .68 after 25 epochs and .946 after all 100;
    from Glorot's .79, and what the paper prints.

    As in the code, layers with batch normalization have no bias.

    Args:
        targets: Number of transcription factors predicted.
        sequence_length: Length of the input in bases, at least 100 with the published
            pools.
        include_top: Whether to end in "predictions"; without it the output is that of
            "dropout_hidden".
        filters: Number of filters of each convolution.
        kernel_sizes: Width of each convolution's filters in bases or positions.
        pool_sizes: Width of the pool after each convolution; 1 for none.
        pool_strides: Stride of the pool after each convolution; `None` for its width.
        pool_padding: `"valid"` or `"same"`.
        hidden_units: Width of the hidden layer.
        conv_dropout: Dropout rate after each convolution's pool, 0 to 1.
        dropout: Dropout rate after the hidden layer, 0 to 1.
        l2: L2 penalty of the weights of convolutions and dense layers.
        kernel_initializer: Start of these weights; `"he_normal"` is that of the text.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short, or the convolutions' tuples differ in
            length.

    Reference: Koo and Eddy 2019, PLoS Computational Biology 15, e1007560, "CNN models".

    Example:

    >>> model = koo_cnn(pool_sizes=(2, 50))
    >>> model.get_layer("flatten").output.shape
    (None, 256)
    """
    strides = pool_sizes if pool_strides is None else pool_strides
    layers = _layers(
        filters=filters,
        kernel_sizes=kernel_sizes,
        pool_sizes=pool_sizes,
        pool_strides=strides,
    )
    if pool_padding == "valid":
        check_length(sequence_length, zip(pool_sizes, strides, strict=True))

    weights = {
        "use_bias": False,
        "kernel_initializer": kernel_initializer,
        "kernel_regularizer": keras.regularizers.L2(l2) if l2 > 0 else None,
    }
    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = sequence
    for i, (channels, kernel_size, pool_size, stride) in enumerate(layers, start=1):
        conv = keras.layers.Conv1D(
            channels, kernel_size, padding="same", name=f"conv{i}", **weights
        )
        x = _normalize(conv(x), i)
        if pool_size > 1 or stride > 1:
            x = keras.layers.MaxPooling1D(
                pool_size, stride, padding=pool_padding, name=f"pool{i}"
            )(x)
        x = keras.layers.Dropout(conv_dropout, name=f"dropout{i}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(hidden_units, name="hidden", **weights)(x)
    x = _normalize(x, "_hidden")
    x = keras.layers.Dropout(dropout, name="dropout_hidden")(x)
    if include_top:
        weights["use_bias"] = True
        x = predictions(targets, **weights)(x)
    return keras.Model(sequence, x, name=name)


def _layers(**numbers):
    check_one_per_layer(**numbers)
    return list(zip(*numbers.values(), strict=True))


def _normalize(x, suffix):
    x = keras.layers.BatchNormalization(name=f"norm{suffix}")(x)
    return keras.layers.ReLU(name=f"relu{suffix}")(x)
