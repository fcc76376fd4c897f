# %% Load a trained network by its name; its weights are in this package
import zoo

print(zoo.describe("shrikumar-sim-rc"))
model = zoo.load("shrikumar-sim-rc")

# %% Predict on a FASTA file
from importlib.resources import files

from rckeras.io import read_fasta
from rckeras.sequence import one_hot_encode

records = list(read_fasta(files("zoo") / "examples" / "quickstart.fa"))
peaks = one_hot_encode([record.sequence for record in records], dtype="float32")
answers = model.predict(peaks, verbose=0)
print(*zoo.describe("shrikumar-sim-rc").targets)
for record, answer in zip(records, answers):
    print(answer.round(2), record.name, record.description)

# %% Both strands get the same answer
import numpy as np

from rckeras import reverse_complement

other_strand = model.predict(reverse_complement(peaks), verbose=0)
print("largest difference between the strands:", np.abs(answers - other_strand).max())

# %% Your own data: 400 sequences, half of them with a site of RXRA on either strand
rng = np.random.default_rng(0)
x = np.eye(4, dtype="float32")[rng.integers(4, size=(400, 200))]
y = np.arange(400) % 2
site = one_hot_encode("GGGTCAAAGGTCA")
for i in np.flatnonzero(y):
    start = rng.integers(200 - len(site) + 1)
    both = site, reverse_complement(site)
    x[i, start : start + len(site)] = both[rng.integers(2)]

# %% Fine-tune on 200 of them: what the network has learned pays off
import keras

right = {}
for weights in (None, "default"):
    keras.utils.set_random_seed(0)
    tuned = zoo.load("shrikumar-sim-rc", weights=weights, targets=1)
    adam = keras.optimizers.Adam(0.01)
    tuned.compile(adam, "binary_crossentropy", metrics=["accuracy"])
    run = tuned.fit(x, y, batch_size=20, epochs=10, validation_split=0.5, verbose=0)
    right[weights] = run.history["val_accuracy"][-1]
print(f"right on the other 200, from a random start: {right[None]:.0%}")
print(f"right on the other 200, from trained weights: {right['default']:.0%}")
