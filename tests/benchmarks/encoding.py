"""Speed of the encoding of sequences beside other libraries, in bases a second.

Run `taskset -c 0 python tests/benchmarks/encoding.py`, for one core. SeqPro and
tangermeme are compared where they are installed; they are compiled at their first call,
which is not counted. Memory that a process uses for the first time is slow, and so
each number is the median of some runs after the first.
"""

import contextlib
import importlib
import statistics
import time
from collections.abc import Callable

import numpy as np

from rckeras.sequence import (
    base_codes,
    codes_to_letters,
    codes_to_one_hot,
    one_hot_decode,
    one_hot_encode,
    reverse_complement_codes,
    reverse_complement_string,
)
from rckeras.sequence.shuffle import dinucleotide_shuffle

REPEATS = 5
SIZES = ((1, 100_000_000), (100_000, 200), (10_000, 1000))
SHUFFLED = ((100_000, 101), (1000, 1000))

Task = Callable[[], object]


def peer(name: str) -> object | None:
    """A library, or nothing where it is not installed."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(name)
    return None


def million_bases_a_second(task: Task, bases: int) -> float:
    """Median speed."""
    task()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return bases / statistics.median(times) / 1e6


def encoding_tasks(codes: np.ndarray) -> dict[str, Task]:
    """What is measured on sequences of one size."""
    strings = codes_to_letters(codes)
    strings = strings[0] if len(codes) == 1 else strings
    joined = codes_to_letters(codes.reshape(-1))
    letters = [each.encode() for each in strings] if len(codes) > 1 else joined.encode()
    x = one_hot_encode(strings)
    tasks = {
        "one_hot_encode, str to uint8": lambda: one_hot_encode(strings),
        "one_hot_encode, str to float32": lambda: one_hot_encode(strings, "float32"),
        "one_hot_encode, bytes to uint8": lambda: one_hot_encode(letters),
        "one_hot_encode, bytes to float32": lambda: one_hot_encode(letters, "float32"),
        "base_codes, str": lambda: base_codes(strings),
        "codes_to_one_hot, float32": lambda: codes_to_one_hot(codes),
        "codes_to_letters": lambda: codes_to_letters(codes),
        "one_hot_decode, uint8": lambda: one_hot_decode(x),
        "reverse_complement_string": lambda: reverse_complement_string(joined),
        "reverse_complement_codes": lambda: reverse_complement_codes(codes),
        "NumPy: eye(5, 4)[codes], float32": lambda: np.eye(5, 4, dtype="f")[codes],
    }
    return tasks | seqpro_tasks(strings, x) | tangermeme_tasks(strings)


def seqpro_tasks(strings: str | list[str], x: np.ndarray) -> dict[str, Task]:
    """The same of SeqPro."""
    seqpro = peer("seqpro")
    if seqpro is None:
        return {}
    dna = seqpro.DNA
    cast = seqpro.cast_seqs(strings)
    return {
        "SeqPro ohe, str to uint8": lambda: seqpro.ohe(strings, dna),
        "SeqPro ohe, NumPy S1 to uint8": lambda: seqpro.ohe(cast, dna),
        "SeqPro decode_ohe, to NumPy S1": lambda: seqpro.decode_ohe(x, -1, dna),
        "SeqPro reverse_complement": lambda: seqpro.reverse_complement(
            cast, dna, length_axis=-1
        ),
    }


def tangermeme_tasks(strings: str | list[str]) -> dict[str, Task]:
    """The same of tangermeme, which encodes one sequence at a time."""
    utils = peer("tangermeme.utils")
    if utils is None:
        return {}
    batch = [strings] if isinstance(strings, str) else strings
    return {
        "tangermeme one_hot_encode, str to int8": lambda: [
            utils.one_hot_encode(each) for each in batch
        ]
    }


def shuffling_tasks(codes: np.ndarray) -> dict[str, Task]:
    """Dinucleotide shuffles of sequences of one size."""
    strings = codes_to_letters(codes)
    tasks = {
        "dinucleotide_shuffle, codes": lambda: dinucleotide_shuffle(codes),
        "dinucleotide_shuffle, str": lambda: dinucleotide_shuffle(strings),
    }
    if seqpro := peer("seqpro"):
        cast = seqpro.cast_seqs(strings)
        tasks["SeqPro k_shuffle, k=2"] = lambda: seqpro.k_shuffle(
            cast, 2, seqpro.DNA, length_axis=-1, seed=0
        )
    if ersatz := peer("tangermeme.ersatz"):
        import torch

        x = torch.from_numpy(codes_to_one_hot(codes).transpose(0, 2, 1).copy())
        tasks["tangermeme dinucleotide_shuffle"] = lambda: ersatz.dinucleotide_shuffle(
            x, n=1, random_state=0
        )
    return tasks


def main() -> None:
    """Print a table."""
    rng = np.random.default_rng(0)
    for title, sizes, tasks in (
        ("encoding", SIZES, encoding_tasks),
        ("shuffling", SHUFFLED, shuffling_tasks),
    ):
        print(f"{title}, million bases a second")
        for count, length in sizes:
            codes = rng.integers(0, 4, (count, length), dtype="uint8")
            for name, task in tasks(codes).items():
                speed = million_bases_a_second(task, codes.size)
                print(f"{count:>8,} x {length:<12,}{name:42}{speed:10.1f}", flush=True)


if __name__ == "__main__":
    main()
