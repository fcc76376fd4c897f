"""Charts of a search as inline SVG, coloured by the style sheet of the page.

No chart names a colour: lines and dots have the classes `s0` (worst) to `s5` (best) and
`best`, so that a page can be light or dark. What a dot stands for is its `<title>`,
which browsers show under the pointer.
"""

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from statistics import median
from typing import Any

from tuning.results import SearchResults, show, show_score
from tuning.trials import Trial

STEPS = 6  # colours between the worst and the best

_MOST_PLACES = 12  # values that have a place each; more numbers are on a scale
_GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it spread evenly
_ABSENT = "–"  # where a hyperparameter has no value under the others of its trial


class Axis:
    """Where the values of a hyperparameter stand, as shares of the axis.

    Few values have a place each, numbers in order; many numbers stand on a scale, by
    their logarithms if they span more than two powers of ten.

    Args:
        values: Values of all trials; `None` where a trial has none.
    """

    def __init__(self, values: Sequence[Any]):
        known = list(dict.fromkeys(value for value in values if value is not None))
        self.ordered = all(_is_number(value) for value in known)
        known.sort(key=None if self.ordered else show)
        self.places = [*([None] if None in values else []), *known]
        self.continuous = self.ordered and len(known) > _MOST_PLACES
        if self.continuous:
            self.log = known[0] > 0 and known[-1] / known[0] > 100
            self.ends = self._scaled(known[0]), self._scaled(known[-1])

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def place(self, value: Any) -> float:
        """The place of a value, from 0 to 1."""
        if self.continuous:
            low, high = self.ends
            return 0.0 if value is None else (self._scaled(value) - low) / (high - low)
        return (self.places.index(value) + 0.5) / len(self.places)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts to write at the axis."""
        if not self.continuous:
            return [(self.place(value), _text(value)) for value in self.places]
        low, high = self.ends
        values = [low, (low + high) / 2, high]
        if self.log:
            values = [10**value for value in values]
        return [(i / 2, f"{value:.3g}") for i, value in enumerate(values)]

    def groups(self, values: Sequence[Any]) -> list[list[int]]:
        """Numbers of the values that a median is taken of: equal, or near ones."""
        if not self.continuous:
            return [
                [i for i, value in enumerate(values) if value == place]
                for place in self.places
            ]
        order = sorted(range(len(values)), key=lambda i: values[i])
        size = math.ceil(len(order) / 5)
        return [order[i : i + size] for i in range(0, len(order), size)]


def colours(results: SearchResults) -> dict[str, str]:
    """The class of each trial that is done, by its rank."""
    ranked = results.ranked()
    last = max(len(ranked) - 1, 1)
    steps = {
        trial.trial: f"s{(STEPS - 1) * (last - rank) // last}"
        for rank, trial in enumerate(ranked)
    }
    return steps | {trial.trial: "best" for trial in ranked[:1]}


def reach(results: SearchResults, name: str) -> float:
    """How far apart the medians of the scores at a hyperparameter's values lie."""
    trials = [t for t in results.ranked() if name in t.hyperparameters]
    values = [trial.hyperparameters[name] for trial in trials]
    groups = Axis(values).groups(values)
    medians = [median(trials[i].score for i in group) for group in groups]
    return max(medians) - min(medians)


def draw_effect(results: SearchResults, name: str, metric: str | None = None) -> str:
    """The scores against the values of a hyperparameter, with medians.

    Args:
        results: A search with trials that are done.
        name: The hyperparameter. Trials that have no value of it are left out.
        metric: What was measured beside the objective, to take the scores' place.

    Returns:
        An `<svg>` element.
    """
    width, height, left, bottom, top = 340, 230, 46, 34, 10
    trials = [t for t in results.ranked() if name in t.hyperparameters]
    values = [trial.hyperparameters[name] for trial in trials]
    if metric is None:
        scores, scale = [t.score for t in trials], _scale(results, height - bottom, top)
    else:
        scores = [trial.measured[metric] for trial in trials]
        scale = _Scale(scores, "max", height - bottom, top)
    axis = Axis(values)
    inner = width - left - 8
    parts = [_grid(scale, left, width - 8), _x_ticks(axis, left, inner, height)]
    step = 0 if axis.continuous else inner / len(axis.places)
    classes = colours(results)
    # The best one comes last, on top of the others.
    for i in reversed(range(len(trials))):
        shift = (i * _GOLDEN % 1 - 0.5) * 0.5 * min(step, 90)
        x = left + inner * axis.place(values[i]) + shift
        y = scale.place(scores[i])
        more = "" if metric is None else f", {metric} {show(scores[i])}"
        parts.append(_dot(x, y, trials[i], classes[trials[i].trial], more))
    parts.append(_medians(axis, scores, values, scale, left, inner))
    label = f"{metric or results.objective} against {name}"
    return _svg(width, height, label, parts)


def _medians(
    axis: Axis,
    scores: Sequence[float],
    values: Sequence[Any],
    scale: "_Scale",
    left: float,
    inner: float,
) -> str:
    """A bar at the median of each value, joined where values have an order."""
    half = 8 if axis.continuous else min(inner / len(axis.places), 90) * 0.36
    points = []
    for group in axis.groups(values):
        x = left + inner * median(axis.place(values[i]) for i in group)
        points.append((x, scale.place(median(scores[i] for i in group))))
    bars = "".join(f"M{x - half:.1f} {y:.1f}h{2 * half:.1f}" for x, y in points)
    line = _path(points) if axis.ordered else ""
    return f'<path class="join" d="{line}"/><path class="median" d="{bars}"/>'


def draw_parallel(results: SearchResults) -> str:
    """Each trial that is done as a line through its values, to its score.

    Args:
        results: A search with trials that are done.

    Returns:
        An `<svg>` element.
    """
    height, top, bottom = 340, 34, 12
    names = results.names(varying=True)
    gap = max(118, 800 / len(names))
    ranked = results.ranked()
    columns = {
        name: [trial.hyperparameters.get(name) for trial in ranked] for name in names
    }
    axes = {name: Axis(values) for name, values in columns.items()}
    scale = _scale(results, height - bottom, top)
    span = height - top - bottom
    classes = colours(results)
    lines = []
    for rank, trial in reversed(list(enumerate(ranked))):
        # Lines through one value lie side by side, by their ranks.
        spread = 0.5 - (rank + 0.5) / len(ranked)
        points = []
        for i, (name, axis) in enumerate(axes.items()):
            room = 0 if axis.continuous else 0.5 * min(span / len(axis.places), 40)
            y = height - bottom - span * axis.place(columns[name][rank])
            points.append((60 + gap * i, y - spread * room))
        points.append((60 + gap * len(names), scale.place(trial.score)))
        values = ", ".join(f"{k} {show(v)}" for k, v in trial.hyperparameters.items())
        lines.append(
            f'<path class="line {classes[trial.trial]}" d="{_curve(points)}">'
            f"{_title(trial, f', {values}')}</path>"
        )
    parts = [*lines]
    for i, (name, axis) in enumerate(axes.items()):
        ticks = [(height - bottom - span * at, text) for at, text in axis.ticks()]
        parts.append(_upright(round(60 + gap * i), name, ticks, top, height - bottom))
    ticks = [(scale.place(x), _number(x, scale.ticks)) for x in scale.ticks]
    end = 60 + gap * len(names)
    parts.append(_upright(round(end), results.objective, ticks, top, height - bottom))
    return _svg(
        round(end) + 60, height, "hyperparameters and scores of all trials", parts
    )


class _Scale:
    """Heights of scores, better ones always further up."""

    def __init__(
        self, scores: Sequence[float], direction: str, bottom: float, top: float
    ):
        self.ticks = _round_numbers(min(scores), max(scores))
        low, high = min([*scores, *self.ticks]), max([*scores, *self.ticks])
        self.worst, self.best = low, high
        if direction == "min":
            self.worst, self.best = high, low
        self.bottom, self.top = bottom - 8, top + 8

    def place(self, score: float) -> float:
        share = (score - self.worst) / (self.best - self.worst)
        return self.bottom + share * (self.top - self.bottom)


def _scale(results: SearchResults, bottom: float, top: float) -> _Scale:
    scores = [trial.score for trial in results.ranked()]
    return _Scale(scores, results.facts["direction"], bottom, top)


def _round_numbers(low: float, high: float) -> list[float]:
    """Some three to six round numbers that reach from one number to another."""
    if low == high:
        low, high = low - 0.05 * (abs(low) or 1), high + 0.05 * (abs(high) or 1)
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return _ABSENT if value is None else show(value)


def _title(trial: Trial, more: str = "") -> str:
    return f"<title>{escape(f'trial {trial.trial}: {show_score(trial)}{more}')}</title>"


def _dot(x: float, y: float, trial: Trial, colour: str, more: str) -> str:
    return (
        f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
        f"{_title(trial, more)}</circle>"
    )


def _grid(scale: _Scale, left: float, right: float) -> str:
    parts = []
    for value in scale.ticks:
        y = scale.place(value)
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
        text = _number(value, scale.ticks)
        parts.append(
            f'<text x="{left - 6}" y="{y + 3.5:.1f}" class="end">{text}</text>'
        )
    return "".join(parts)


def _number(value: float, among: Sequence[float]) -> str:
    """A number of an axis, in as few digits as tell all of them apart."""
    for digits in range(1, 12):
        if len({f"{other:.{digits}g}" for other in among}) == len(among) and all(
            math.isclose(float(f"{other:.{digits}g}"), other, abs_tol=1e-15)
            for other in among
        ):
            return f"{value:.{digits}g}"
    return f"{value:g}"


def _x_ticks(axis: Axis, left: float, inner: float, height: float) -> str:
    room = inner / max(len(axis.ticks()), 1) / 6.2  # letters
    # Text at an end of the axis would leave the picture.
    classes = {0.0: "start", 1.0: "end"}
    return "".join(
        f'<text x="{left + inner * at:.1f}" y="{height - 14}" '
        f'class="{classes.get(at, "middle")}">{escape(_shorten(text, room))}</text>'
        for at, text in axis.ticks()
    )


def _upright(
    x: float, name: str, ticks: Sequence[tuple[float, str]], top: float, bottom: float
) -> str:
    """An axis of parallel coordinates."""
    parts = [
        f'<path class="axis" d="M{x} {top}V{bottom}"/>',
        f'<text x="{x}" y="{top - 16}" class="middle name">'
        f"{escape(_shorten(name, 18))}<title>{escape(name)}</title></text>",
    ]
    for y, text in ticks:
        parts.append(
            f'<text x="{x + 7}" y="{y + 3.5:.1f}" class="halo">'
            f"{escape(_shorten(text, 14))}</text>"
        )
    return "".join(parts)


def _shorten(text: str, letters: float) -> str:
    most = max(int(letters), 3)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A smooth way through points that leaves each of them to the right."""
    text = "M{:.1f} {:.1f}".format(*points[0])
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (x + to_x) / 2
        text += f"C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    return text


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}" style="min-width:{width * 0.75:.0f}px">'
        f"{''.join(parts)}</svg>"
    )
