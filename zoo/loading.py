"""Networks by name, with or without weights."""

import atexit
import contextlib
import importlib
import inspect
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zoo.registry import Card, Weights, describe
from zoo.store import RemoteFile, fetch, verify

if TYPE_CHECKING:
    import keras

HEAD = "predictions"

# Files of a package that is imported from an archive, there until Python ends.
_unpacked = contextlib.ExitStack()
atexit.register(_unpacked.close)


def build(name: str, /, **overrides: Any) -> "keras.Model":
    """Build a named network with random weights.

    Args:
        name: Name of a network, see `zoo.list_models`.
        **overrides: Arguments of the network's builder, such as `targets`,
            `sequence_length`, `include_top` or `dropout`, instead of the paper's.

    Returns:
        A plain `keras.Model` from one-hot sequences `(batch, length, 4)` in the order
        A, C, G, T to `(batch, targets)`.

    Raises:
        ValueError: If there is no such network, or Keras is set to `channels_first`.
        TypeError: If its builder has no such argument.

    Example:

    >>> build("koo-cnn-25", targets=3).output_shape
    (None, 3)
    """
    import keras

    builder, arguments = _resolve(name, overrides)
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "networks of the zoo read (batch, length, 4): call "
            "keras.config.set_image_data_format('channels_last') before. Received: "
            f"{keras.config.image_data_format()!r}"
        )
    return builder(**arguments)


def arguments_of(name: str, /, **overrides: Any) -> tuple[str, dict[str, Any]]:
    """What a named network is built with, the defaults of its builder included.

    Args:
        name: Name of a network, see `zoo.list_models`.
        **overrides: Arguments instead of the card's, as in `build`.

    Returns:
        The builder as `"module:function"`, and its arguments by name.

    Raises:
        ValueError: If there is no such network.
        TypeError: If its builder has no such argument.
    """
    builder, arguments = _resolve(name, overrides)
    known = inspect.signature(builder).parameters
    defaults = {key: parameter.default for key, parameter in known.items()}
    return describe(name).builder, {**defaults, **arguments}


def _resolve(name: str, overrides: dict[str, Any]) -> tuple[Callable, dict[str, Any]]:
    card = describe(name)
    module, function = card.builder.split(":")
    builder = getattr(importlib.import_module(f"zoo.architectures.{module}"), function)
    known = inspect.signature(builder).parameters
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise TypeError(
            f"Network {name!r} has no argument {', '.join(map(repr, unknown))}; "
            f"it has {', '.join(known)}"
        )
    arguments = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in card.arguments.items()
    }
    return builder, {"name": name, **arguments, **overrides}


def load(
    name: str,
    /,
    weights: str | Path | None = "default",
    targets: int | None = None,
    conjoined: bool = False,
    **overrides: Any,
) -> "keras.Model":
    """Load a named network with its weights.

    Args:
        name: Name of a network, see `zoo.list_models`.
        weights: `"default"` for the network's first set of weights, the name of
            another set (see `zoo.describe`), the path of a file in any format of
            `zoo.porting`, recognised by its content, or `None` for random weights.
        targets: Number of outputs; by default that of the weights, so that a file of
            a fine-tuned network loads as it is. Where it is another, all layers but
            the last keep their weights and a new last layer starts at random, for
            fine-tuning.
        conjoined: Whether to make a conjoined network of it, which gives both strands
            the same answer; see `rckeras.conjoin`.
        **overrides: Other arguments of the network's builder; see `build`.

    Returns:
        A plain `keras.Model`, not compiled.

    Raises:
        ValueError: If there is no such network or set of weights, or a file does not
            fit.
        FileNotFoundError: If `weights` names no file.
        OSError: If weights cannot be downloaded; the message says which file to put
            where.

    Example:

    ```python
    model = load("prdm9")
    model = load("danq", weights="DanQ_bestmodel.hdf5", targets=3)
    model = load("deepsea", conjoined=True)
    ```
    """
    if conjoined:
        from rckeras import conjoin

        return conjoin(load(name, weights, targets, **overrides))
    if weights is None:
        chosen = {} if targets is None else {"targets": targets}
        return build(name, **overrides, **chosen)
    card = describe(name)
    source, held = _load_saved(name, locate(card, weights), overrides)
    wanted = (held or len(card.targets)) if targets is None else targets
    if (wanted if overrides.get("include_top", True) else None) == held:
        return source
    model = build(name, **overrides, targets=wanted)
    copy_trunk(source, model)
    return model


def locate(card: Card, weights: str | Path) -> Path:
    """The file of a set of weights: in the package, in the cache, or a path.

    Args:
        card: Card of a network.
        weights: `"default"`, the name of a set of weights, or a path.

    Returns:
        Path of a file that is present and, where its digest is known, verified.

    Raises:
        ValueError: If the network has no weights.
        FileNotFoundError: If `weights` is neither a set's name nor a file.
        OSError: If the file cannot be downloaded.
    """
    by_name = {entry.name: entry for entry in card.weights}
    if weights == "default" and card.weights:
        return _obtain(card.weights[0])
    if weights == "default":
        raise ValueError(
            f"No trained weights are available for {card.name!r}. Pass weights=None "
            "for a random start, or weights=PATH for a file of your own"
        )
    if str(weights) in by_name:
        return _obtain(by_name[str(weights)])
    path = Path(weights).expanduser()
    if not path.is_file():
        names = ", ".join(["default", *by_name]) if by_name else "no set of weights"
        raise FileNotFoundError(
            f"`weights` must be a file or a set of weights of {card.name!r} ({names}). "
            f"There is no file {str(weights)!r}"
        )
    _verify_copy(card, path)
    return path


def copy_trunk(source: "keras.Model", target: "keras.Model") -> None:
    """Copy the weights of all layers but the last, by name.

    Args:
        source: Model with weights.
        target: Model of the same layers, with another number of targets.
    """
    for layer in target.layers:
        if layer.name != HEAD:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def _load_saved(
    name: str, path: Path, overrides: dict[str, Any]
) -> tuple["keras.Model", int | None]:
    """The network as it was saved, and its targets, `None` without the last layer."""
    from zoo.porting import count_targets, port_weights

    model = build(name, **{**overrides, "include_top": True})
    held = count_targets(path, model)
    if held is None:
        model = build(name, **{**overrides, "include_top": False})
    elif held != model.output_shape[-1]:
        model = build(name, **{**overrides, "include_top": True, "targets": held})
    port_weights(path, model)
    return model, held


def _obtain(weights: Weights) -> Path:
    if weights.shipped:
        path = _unpacked.enter_context(as_file(files("zoo") / "weights" / weights.file))
        if not path.is_file():
            raise FileNotFoundError(f"the installed package lacks its file {path}")
        verify(path, _remote_file(weights))
        return path
    return fetch(_remote_file(weights))


def _remote_file(weights: Weights) -> RemoteFile:
    return RemoteFile(
        weights.file, weights.sources, weights.size, weights.sha256, weights.md5
    )


def _verify_copy(card: Card, path: Path) -> None:
    """Check a user's copy of a published file, known by a name of it, for damage."""
    for weights in card.weights:
        if weights.shipped:  # which own weights may well share the name of
            continue
        upstream = {Path(urlsplit(url).path).name for url in weights.sources}
        if path.name in {weights.file, *upstream}:
            verify(path, _remote_file(weights))
