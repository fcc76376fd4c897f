"""Time and memory of the conversion of DeepSEA's bundle, for several chunkings.

Run `python tests/benchmarks/deepsea.py [--rows 200000] [--layout long ...]`. A bundle
of the published layout is made in a temporary folder (2 GB for 200,000 rows, 30 GB for
4,400,000) and converted in a process of its own. Rows of the bundle repeat, chunks are
compressed as MATLAB compresses them, so reading costs what it costs with real data.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import scipy.io

LENGTH, TARGETS, PUBLISHED = 1000, 919, 4_400_000
SPAN = 1 << 16  # rows after which the content repeats, beyond the reach of zlib

# Sizes of the chunks of the sequences and of the labels; None are all rows.
LAYOUTS = {
    "long": ((1, 1, None), (1, None)),
    "long, all channels": ((1, 4, None), (8, None)),
    "middle": ((16, 4, 16384), (16, 16384)),
    "short": ((1000, 4, 64), (919, 64)),
    "uncompressed": (None, None),
}

CONVERT = """
import json, resource, sys, time
from rckeras.datasets.deepsea import convert_deepsea

def status(key):
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1]) / 1024

before, start = status("VmRSS"), time.perf_counter()
dataset = convert_deepsea(sys.argv[1], sys.argv[2], progress=sys.stderr.isatty())
seconds = time.perf_counter() - start
print(json.dumps({
    "seconds": seconds, "before": before, "growth": status("VmHWM") - before,
    "rows": len(dataset), "cpu": sum(resource.getrusage(0)[:2]),
}))
"""


def content(positions: int, rows: int, seed: int) -> np.ndarray:
    """Base codes `(positions, rows)`, one in a thousand of them N."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (positions, rows), dtype=np.uint8)
    codes[rng.random(codes.shape) < 1e-3] = 4
    return codes


def one_hot(codes: np.ndarray) -> np.ndarray:
    """Channels A, G, C, T on the middle axis."""
    return np.stack([codes == code for code in (0, 2, 1, 3)], axis=1).astype("u1")


def labels(targets: int, rows: int, seed: int) -> np.ndarray:
    """Labels `(targets, rows)`, one in fifty of them 1."""
    return (np.random.default_rng(seed).random((targets, rows)) < 0.02).astype("u1")


def write_chunked(file, name, shape, chunks, make) -> None:
    """An array whose content repeats, so that few chunks need be compressed."""
    chunks = tuple(size or shape[-1] for size in chunks)
    chunks = tuple(min(pair) for pair in zip(chunks, shape, strict=True))
    high = -(-8 // chunks[0])
    across = -(-min(SPAN, shape[-1]) // chunks[-1])
    pool = make(high * chunks[0], across * chunks[-1])
    options = {"chunks": chunks, "compression": "gzip", "compression_opts": 3}
    dataset = file.create_dataset(name, shape, "u1", **options)
    packed = {}
    starts = [range(0, size, step) for size, step in zip(shape, chunks, strict=True)]
    for index in np.ndindex(*map(len, starts)):
        place = tuple(i * size for i, size in zip(index, chunks, strict=True))
        key = index[0] % high, *index[1:-1], index[-1] % across
        if key not in packed:
            corner = [k * size for k, size in zip(key, chunks, strict=True)]
            cut = [slice(c, c + size) for c, size in zip(corner, chunks, strict=True)]
            packed[key] = zlib.compress(np.ascontiguousarray(pool[tuple(cut)]), 3)
        dataset.id.write_direct_chunk(place, packed[key])


def write_plain(file, name, shape, make) -> None:
    """An array in one piece."""
    dataset = file.create_dataset(name, shape, "u1")
    pool = make(8, shape[-1])
    for start in range(0, shape[0], 8):
        dataset[start : start + 8] = pool[: shape[0] - start]


def write_train(path: Path, rows: int, layout: str) -> None:
    """`train.mat`, with the 512 bytes that MATLAB puts before HDF5."""
    arrays = (
        ("trainxdata", (LENGTH, 4, rows), lambda p, n: one_hot(content(p, n, 1))),
        ("traindata", (TARGETS, rows), lambda t, n: labels(t, n, 2)),
    )
    with h5py.File(path, "w", userblock_size=512) as file:
        for (name, shape, make), chunks in zip(arrays, LAYOUTS[layout], strict=True):
            if chunks is None:
                write_plain(file, name, shape, make)
            else:
                write_chunked(file, name, shape, chunks, make)
    with path.open("rb+") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(512))


def write_small(path: Path, name: str, rows: int) -> None:
    """`valid.mat` or `test.mat`."""
    codes = np.resize(content(LENGTH, min(rows, SPAN), 3), (LENGTH, rows))
    x = one_hot(codes).transpose(2, 1, 0)
    arrays = {f"{name}xdata": x, f"{name}data": labels(TARGETS, rows, 4).T}
    scipy.io.savemat(path, arrays, do_compression=True)


def measure(folder: Path, output: Path) -> dict:
    """Converts in a new process."""
    run = [sys.executable, "-c", CONVERT, str(folder), str(output)]
    done = subprocess.run(run, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--layout", nargs="*", choices=LAYOUTS, default=[*LAYOUTS])
    parser.add_argument("--folder", help="where to make the temporary folder")
    args = parser.parse_args()
    tenth = args.rows // 10
    print(f"{args.rows} training rows, {tenth} for testing, {LENGTH} x {TARGETS}")
    print(f"{'chunks':20}{'seconds':>9}{'rows/s':>9}{'MiB more':>10}{'4.4 M rows':>12}")
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        write_small(folder / "valid.mat", "valid", min(8000, tenth))
        write_small(folder / "test.mat", "test", tenth)
        for layout in args.layout:
            write_train(folder / "train.mat", args.rows, layout)
            found = measure(folder, folder / "deepsea.h5")
            (folder / "deepsea.h5").unlink()
            speed = found["rows"] / found["seconds"]
            minutes = PUBLISHED * 1.1 / speed / 60
            print(
                f"{layout:20}{found['seconds']:9.1f}{speed:9.0f}"
                f"{found['growth']:10.0f}{minutes:8.1f} min",
                flush=True,
            )


if __name__ == "__main__":
    main()
