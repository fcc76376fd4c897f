# %% Simulate: 6,000 random sequences, each with one site, on either strand
import numpy as np

from rckeras import reverse_complement
from rckeras.sequence import one_hot_encode

rng = np.random.default_rng(0)
sites = [one_hot_encode(s) for s in ("AGATAAGA", "CCGGAAGT", "GGGTCAAAGGTCA")]
x = np.eye(4, dtype="float32")[rng.integers(4, size=(6000, 200))]
kind = rng.integers(3, size=len(x))
for sequence, k in zip(x, kind):
    site = sites[k] if rng.random() < 0.5 else reverse_complement(sites[k])
    start = rng.integers(200 - len(site) + 1)
    sequence[start : start + len(site)] = site
y = np.eye(3, dtype="float32")[kind]

# %% Train a network that shares its weights between the two strands
import keras
import zoo

keras.utils.set_random_seed(0)
model = zoo.build("shrikumar-sim-rc")
model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["AUC"])
model.fit(x, y, batch_size=100, epochs=12, validation_split=0.2, verbose=2)

# %% Predict on a FASTA file
from importlib.resources import files

from rckeras.io import read_fasta

records = list(read_fasta(files("zoo") / "examples" / "quickstart.fa"))
peaks = one_hot_encode([record.sequence for record in records], dtype="float32")
answers = model.predict(peaks, verbose=0)
print(*zoo.describe("shrikumar-sim-rc").targets)
for record, answer in zip(records, answers):
    print(answer.round(2), record.name, record.description)

# %% Both strands get the same answer
other_strand = model.predict(reverse_complement(peaks), verbose=0)
print("largest difference between the strands:", np.abs(answers - other_strand).max())

# %% Fine-tune: keep what the network has learned, with a new output
import tempfile

path = tempfile.mkdtemp() + "/quickstart.weights.h5"
model.save_weights(path)
tuned = zoo.load("shrikumar-sim-rc", weights=path, targets=1)
tuned.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
gata1 = y[:300, :1]
tuned.fit(x[:300], gata1, batch_size=20, epochs=3, verbose=2)
