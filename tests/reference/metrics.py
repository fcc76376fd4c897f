"""AUROC and AUPRC in the plainest way, in loops and fractions."""

from fractions import Fraction


def auroc(labels, scores):
    """Share of the pairs of a positive and a negative that are in order."""
    positives = [s for s, y in zip(scores, labels, strict=True) if y]
    negatives = [s for s, y in zip(scores, labels, strict=True) if not y]
    wins = sum(p > n for p in positives for n in negatives)
    ties = sum(p == n for p in positives for n in negatives)
    return float(Fraction(2 * wins + ties, 2 * len(positives) * len(negatives)))


def auprc(labels, scores):
    """Area under the steps of precision over recall, threshold by threshold."""
    area, recall = Fraction(0), Fraction(0)
    for threshold in sorted(set(scores), reverse=True):
        called = [y for s, y in zip(scores, labels, strict=True) if s >= threshold]
        hits = sum(called)
        now = Fraction(hits, sum(labels))
        area += (now - recall) * Fraction(hits, len(called))
        recall = now
    return float(area)
