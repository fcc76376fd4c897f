"""Searches that never ran, as folders."""

from tuning.trials import Trial, append_trial, write_search

FACTS = {
    "space": "shrikumar2017",
    "tuner": "random",
    "objective": "val_auroc",
    "direction": "max",
    "dataset": {
        "digest": "0123456789abcdef" * 4,
        "path": "simulated.h5",
        "targets": ["GATA1", "ELF1"],
        "length": 40,
    },
    "settings": {"epochs": 30, "batch_size": 128, "length": None},
    "seeds": 2,
    "max_trials": 6,
    "choices": {"filters": [8, 16]},
    "network_names": ["shrikumar-sim-rc", "shrikumar-sim-20"],
    "digest": "0123456789ab",
    "versions": {"rckeras": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8"},
}
TRIALS = (
    Trial("0", "done", {"revcomp": True, "filters": 8, "pool": 4}, 0.8, (0.75, 0.85)),
    Trial("1", "done", {"revcomp": False, "filters": 16, "pool": 4}, 0.7, (0.7, 0.7)),
    Trial("2", "pruned", {"revcomp": True, "filters": 16, "pool": 90}, reason="long"),
    Trial("3", "done", {"revcomp": True, "filters": 16, "pool": 4}, 0.9, (0.91, 0.89)),
    Trial("4", "failed", {"revcomp": True, "filters": 8, "pool": 90}, reason="no room"),
)


def make_search(folder, trials=TRIALS, **facts):
    """Write the folder of a search, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_search(folder, FACTS | facts)
    for trial in trials:
        append_trial(folder, trial)
    return folder
