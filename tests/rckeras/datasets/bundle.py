"""Small bundles of the layout of DeepSEA's."""

import h5py
import numpy as np
import scipy.io

FILES = {"train": "train", "validation": "valid", "test": "test"}
CHUNKS = {
    "none": None,
    "long": ((1, 1, 1000), (1, 1000)),
    "long, deep": ((3, 4, 1000), (5, 1000)),
    "middle": ((5, 3, 16), (6, 7)),
    "short": ((1000, 4, 3), (1000, 2)),
}


def make_rows(rows, length=13, targets=11, seed=0):
    """Base codes, N among them, and labels."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(5, (rows, length), p=[0.24, 0.24, 0.24, 0.24, 0.04])
    return codes.astype("uint8"), rng.integers(0, 2, (rows, targets), dtype="uint8")


def one_hot(codes):
    """MATLAB's array `(rows, 4, length)` with channels A, G, C, T."""
    return np.stack([codes == code for code in (0, 2, 1, 3)], axis=1).astype("uint8")


def save_version_7_3(path, arrays, chunks):
    with h5py.File(path, "w", userblock_size=512) as file:
        for index, (name, array) in enumerate(arrays.items()):
            options = {}
            if chunks:
                size = zip(chunks[index], array.T.shape, strict=True)
                options = {"chunks": tuple(map(min, size)), "compression": "gzip"}
            file.create_dataset(name, data=array.T, **options)
    with path.open("rb+") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(512))


def save_split(folder, split, codes, labels, chunks=None, compress=True):
    name = FILES[split]
    arrays = {f"{name}xdata": one_hot(codes), f"{name}data": labels}
    path = folder / f"{name}.mat"
    if split == "train":
        save_version_7_3(path, arrays, chunks)
    else:
        scipy.io.savemat(path, arrays, do_compression=compress)
    return path


def save_bundle(
    folder, rows=(150, 8, 12), chunks=CHUNKS["middle"], compress=True, **kwargs
):
    """Writes a bundle; returns what it holds, by split."""
    folder.mkdir(exist_ok=True)
    held = {}
    for seed, (split, count) in enumerate(zip(FILES, rows, strict=True)):
        held[split] = make_rows(count, seed=seed, **kwargs)
        save_split(folder, split, *held[split], chunks, compress)
    return held
