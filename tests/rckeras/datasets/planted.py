"""What is found in a dataset where its truth says that motifs were planted."""

import numpy as np


def planted_letters(codes, truth, number):
    """Base codes of the instances of a motif, read along the motif."""
    mine = np.flatnonzero(truth.motif == number)
    rows = []
    for each in mine:
        letters = codes[truth.sequence[each], truth.start[each] : truth.end[each]]
        rows.append(letters if truth.strand[each] == 1 else 3 - letters[::-1])
    return np.array(rows)


def check_letters(codes, truth, motifs):
    """Instances have the letters of their motif as often as it says, on its strand."""
    for number, motif in enumerate(motifs):
        letters = planted_letters(codes, truth, number)
        assert letters.shape[1] == len(motif)
        for position, probabilities in enumerate(motif.probabilities):
            counts = np.bincount(letters[:, position], minlength=4)
            assert not counts[probabilities == 0].any()
            share = counts / len(letters)
            spread = np.sqrt(probabilities * (1 - probabilities) / len(letters))
            assert (abs(share - probabilities) <= 5 * spread + 1e-12).all()


def check_places(truth, length, buffer=0):
    """Instances are sorted, inside and apart, with a buffer around each."""
    same = truth.sequence[1:] == truth.sequence[:-1]
    assert (np.diff(truth.sequence) >= 0).all()
    assert (truth.start[1:] - truth.end[:-1] >= buffer)[same].all()
    assert truth.start.min() >= buffer
    assert truth.end.max() <= length - buffer


def check_same_bytes(one, other):
    """Two datasets are alike, byte for byte."""
    for name in ("sequences", "labels", "splits"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    for name in ("sequence", "motif", "start", "end", "strand", "labels"):
        first, second = getattr(one.truth, name), getattr(other.truth, name)
        assert first.tobytes() == second.tobytes()
    assert one.notes == other.notes
