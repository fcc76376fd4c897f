"""Programs that are kept from one training to the next."""

import keras
import numpy as np
import pytest

from zoo.compilation import compile_once


def _train():
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    network.fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0)
    return network.get_weights()


def _programs(events):
    return sum("cache_misses" in event for event in events)


def test_weights_are_those_of_a_training_without_it():
    alone = _train()
    with compile_once():
        first, second = _train(), _train()
    for weights in (first, second):
        for found, expected in zip(weights, alone, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="is of JAX")
class TestOnJax:
    def test_the_second_network_is_not_compiled_anew(self):
        import jax

        events = []
        jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
        with compile_once():
            _train()
            first = _programs(events)
            _train()
        assert first > 0
        assert _programs(events) == first

    def test_options_are_those_of_before_again(self):
        import jax

        names = (
            "jax_compilation_cache_dir",
            "jax_persistent_cache_min_compile_time_secs",
            "jax_persistent_cache_min_entry_size_bytes",
        )
        before = [getattr(jax.config, name) for name in names]
        with pytest.raises(KeyError), compile_once():
            raise KeyError
        assert [getattr(jax.config, name) for name in names] == before

    def test_a_cache_of_the_user_is_used(self, tmp_path):
        import jax

        jax.config.update("jax_compilation_cache_dir", str(tmp_path))
        try:
            with compile_once():
                assert jax.config.jax_compilation_cache_dir == str(tmp_path)
        finally:
            jax.config.update("jax_compilation_cache_dir", None)
