"""What is compiled once for many trainings."""

import contextlib
import tempfile
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def compile_once() -> Iterator[None]:
    """On JAX, what several networks have in common is compiled for the first alone.

    To JAX each network is a program of its own, even if it is like the one before in
    all but its numbers; compiling takes half the time of short trainings. Programs are
    kept in a temporary folder until the block ends. Nothing changes on other backends,
    or where the user keeps them already (`JAX_COMPILATION_CACHE_DIR`).
    """
    if keras.backend.backend() != "jax":
        yield
        return
    import jax
    from jax.experimental.compilation_cache.compilation_cache import reset_cache

    if jax.config.jax_compilation_cache_dir is not None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="rckeras-") as folder:
        options = {
            "jax_compilation_cache_dir": folder,
            # However short they are: trainings have hundreds.
            "jax_persistent_cache_min_compile_time_secs": 0.0,
            "jax_persistent_cache_min_entry_size_bytes": -1,
        }
        before = {name: getattr(jax.config, name) for name in options}
        try:
            for name, value in options.items():
                jax.config.update(name, value)
            reset_cache()  # JAX asks but once whether there is a cache
            yield
        finally:
            for name, value in before.items():
                jax.config.update(name, value)
            reset_cache()
