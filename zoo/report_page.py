"""The page of HTML that `zoo.report` writes: no scripts, and nothing from elsewhere."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import pages
from zoo.curves import plot_curves, trace_curves
from zoo.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zoo.report import Explained, NetworkReport

_LOGOS = 24  # filters that are not folded away
_DOTS = 1_500
_SQUARE = (4.6, 4.2)  # inches


def page(report: "NetworkReport") -> str:
    """The page of a report.

    Args:
        report: What was found.

    Returns:
        HTML; the same for the same findings.
    """
    sections = [
        _head(report),
        pages.section("What was looked at", pages.facts(report.facts)),
        _performance(report),
        _symmetry(report),
        _filters(report),
        _explained(report),
        _uncertainty(report),
    ]
    return pages.page(report.title, "zoo", sections)


def _head(report: "NetworkReport") -> str:
    found = report.evaluation
    metrics, strands = found.metrics, found.strands
    targets = _count(len(metrics.targets) - len(metrics.undefined), "target")
    largest = f"largest difference {strands.largest_difference:.2g}"
    error = np.mean([c.expected_error for c in report.calibration.values()])
    tiles = [
        ("mean AUROC", _number(metrics.mean_auroc), f"of {targets}"),
        ("mean AUPRC", _number(metrics.mean_auprc), f"loss {found.loss:.4f}"),
        ("calls that flip", f"{strands.flipped:.1%}", f"between strands, {largest}"),
        ("calibration error", f"{error:.3f}", "mean distance from the diagonal"),
        ("parameters", f"{report.parameters:,}", ""),
    ]
    return pages.head("What it has learnt", report.title, report.about, tiles)


def _performance(report: "NetworkReport") -> str:
    metrics = report.evaluation.metrics
    curves = trace_curves(report.evaluation)
    (roc, left), (precision, right) = _new(), _new()
    plot_curves(curves, left, right)
    columns = metrics.positives, metrics.negatives, metrics.auroc, metrics.auprc
    rows = [
        [name, f"{positives:,}", f"{negatives:,}", _number(auroc), _number(auprc)]
        for name, positives, negatives, auroc, auprc in zip(
            metrics.targets, *columns, strict=True
        )
    ]
    order = np.argsort(-np.nan_to_num(metrics.auroc, nan=-1), kind="stable")
    heads = ["target", "positives", "negatives", "AUROC", "AUPRC"]
    body = _table(heads, [rows[i] for i in order])
    if curves:
        panels = [
            pages.panel("ROC curves", inline_svg(roc, "roc", "ROC curves")),
            pages.panel(
                "Precision and recall",
                inline_svg(precision, "pr", "Precision-recall curves"),
            ),
        ]
        body = f'{body}<div class="panels">{"".join(panels)}</div>'
    about = "Predictions are the mean of both strands."
    return pages.section("How well it predicts", f"<p>{about}</p>{body}")


def _symmetry(report: "NetworkReport") -> str:
    audit, agreement = report.audit, report.evaluation.strands
    if audit.symmetry == "invariant":
        verdict = "By construction, both strands of a sequence get the same answer."
    else:
        first = audit.first_break
        where = f", from {first.name} on ({first.reason})" if first else ""
        verdict = f"Nothing makes the answers to both strands the same{where}."
    numbers = (
        f"Measured on {report.evaluation.sequences:,} sequences: "
        f"{agreement.flipped:.2%} of calls at 0.5 flip between strands; "
        f"correlation of the two answers {_number(agreement.correlation)}, "
        f"largest difference {agreement.largest_difference:.2g}."
    )
    layers = _table(
        ["layer", "type", "output", "in inference", "in training", "why"],
        [
            [
                row.name,
                row.kind,
                " x ".join(map(str, row.output_shape)),
                row.symmetry,
                row.training_symmetry,
                row.reason or "",
            ]
            for row in audit.layers
        ],
        numbers=(),
    )
    plot = _draw("strands", "Answers to both strands", _draw_strands, report.strands)
    shown = pages.panel("Answers to both strands", plot)
    folded = f"<details><summary>Layer by layer</summary>{layers}</details>"
    body = f"<p>{escape(verdict)}</p><p>{escape(numbers)}</p>"
    return pages.section(
        "Strand symmetry",
        f'{body}<div class="panels">{shown}</div>{folded if audit.layers else ""}',
    )


def _draw_strands(strands: np.ndarray, axes: "Axes") -> None:
    count, _, targets = strands.shape
    some = np.linspace(0, count - 1, min(count, max(1, _DOTS // targets))).astype(int)
    forward, other = strands[some].swapaxes(0, 1).reshape(2, -1)
    axes.axline((0, 0), slope=1, color="0.7", linestyle=":", zorder=0)
    axes.axhline(0.5, color="0.7", linewidth=0.6, zorder=0)
    axes.axvline(0.5, color="0.7", linewidth=0.6, zorder=0)
    axes.plot(forward, other, "o", markersize=2.5, alpha=0.5, markeredgewidth=0)
    axes.set(
        xlabel="Stored strand",
        ylabel="Reverse complement",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        aspect="equal",
    )


def _filters(report: "NetworkReport") -> str:
    title = "What its filters look for"
    if report.without_motifs:
        return pages.section(
            title, f"<p>No motifs: {escape(report.without_motifs)}.</p>"
        )
    matches, motifs = report.matches, report.motifs
    best = matches.best()
    fired = [i for i, motif in enumerate(motifs) if motif is not None]
    fired.sort(key=lambda i: best[i].e_value if best[i] else np.inf)
    share = matches.fraction_matched(matches.threshold_e)
    layer = f"the layer {report.layer}" if report.layer else "the first convolution"
    about = (
        f"{_count(len(motifs), 'filter')} of {layer}, {len(fired)} of which "
        f"fire; {share:.0%} resemble a known motif (E-value up to "
        f"{matches.threshold_e:g}). The best matches come first; a known motif with − "
        "resembles the reverse complement."
    )
    panels = [_logo(motifs[i], best[i], matches, f"filter{i}") for i in fired]
    body = f'<div class="panels logos">{"".join(panels[:_LOGOS])}</div>'
    if panels[_LOGOS:]:
        rest = f'<div class="panels logos">{"".join(panels[_LOGOS:])}</div>'
        more = f"<summary>{len(panels) - _LOGOS} more</summary>"
        body += f"<details>{more}{rest}</details>"
    return pages.section(title, f"<p>{escape(about)}</p>{body}")


def _logo(motif: Any, match: Any, matches: Any, name: str) -> str:
    from rckeras.motifs import draw_logo

    if match is None:
        known = "no match"
    else:
        strand = "+" if match.strand > 0 else "−"
        target = matches.targets[match.target].name
        known = f"{target} ({strand}), E = {match.e_value:.1g}"
    sites = f"{sum(motif.sites):,} sites"
    if motif.partner is not None:
        sites += f", channels {motif.channel} and {motif.partner} (other strand)"
    svg = _draw(
        name,
        f"Logo of {motif.name}",
        lambda _, ax: draw_logo(motif, ax),
        None,
        (4, 1.7),
    )
    return pages.panel(f"{motif.name}: {known}", svg, sites)


def _explained(report: "NetworkReport") -> str:
    if not report.explained:
        return ""
    what = "log odds" if report.of_logits else "answer"
    about = (
        "The positive sequences that the network is surest of, and what their bases "
        f"add to the {what}: gradient x input, less the mean over the four letters, "
        "mean of both strands. Shown is the part with the strongest contributions."
    )
    panels = [_track(each, f"track{i}") for i, each in enumerate(report.explained)]
    body = f'<div class="panels tracks">{"".join(panels)}</div>'
    return pages.section("Where it looks", f"<p>{about}</p>{body}")


def _track(each: "Explained", name: str) -> str:
    from rckeras.motifs import draw_logo

    def draw(bases: np.ndarray, axes: "Axes") -> None:
        draw_logo(bases, axes, first=each.first + 1)

    about = f"{each.target}, {each.name}"
    svg = _draw(name, f"Contributions: {about}", draw, each.contributions, (11, 2))
    note = f"probability {each.probability:.3f}"
    return pages.panel(about, f'<div class="scroll" tabindex="0">{svg}</div>', note)


def _uncertainty(report: "NetworkReport") -> str:
    from rckeras.interpret import draw_calibration, draw_rejection

    drawn = _draw("calibration", "Calibration", draw_calibration, report.calibration)
    panels = [pages.panel("Calibration", drawn)]
    rows = [
        [
            name,
            f"{curve.expected_error:.4f}",
            f"{curve.largest_error:.4f}",
            f"{curve.brier_score:.4f}",
            *_rejections(report.rejection.get(name)),
        ]
        for name, curve in report.calibration.items()
    ]
    heads = ["target", "expected error", "largest error", "Brier score"]
    about = (
        "Of the sequences with a predicted probability of 0.8, 80% should be positive: "
        "the curve of a calibrated network is the diagonal. "
    )
    if report.rejection:
        heads += ["accuracy", "half rejected", "mean over shares"]
        drawn = _draw("rejection", "Rejection", draw_rejection, report.rejection)
        panels.append(pages.panel("Accuracy against rejection", drawn))
        about += (
            "The network is Bayesian: probabilities are means over networks sampled by "
            "Monte Carlo dropout, and their spread is its uncertainty; what is above "
            "is without dropout. Dashed is the accuracy if all errors were rejected "
            "first, dotted that of all."
        )
    else:
        about += "It has no Monte Carlo dropout, and so no spread of its answers."
    table = _table(heads, rows)
    body = f'{table}<div class="panels">{"".join(panels)}</div>'
    return pages.section("How sure it is", f"<p>{about}</p>{body}")


def _rejections(curve: Any) -> list[str]:
    if curve is None:
        return []
    numbers = curve.accuracy[0], curve.at(0.5), curve.mean_accuracy
    return [f"{number:.4f}" for number in numbers]


def _new(size: tuple[float, float] = _SQUARE) -> tuple[Any, "Axes"]:
    from rckeras.io.figures import new_figure

    figure = new_figure(*size)
    return figure, figure.subplots()


def _draw(
    name: str,
    about: str,
    draw: Callable[[Any, "Axes"], Any],
    data: Any,
    size: tuple[float, float] = _SQUARE,
) -> str:
    figure, axes = _new(size)
    draw(data, axes)
    return inline_svg(figure, name, about)


def _table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] | None = None,
) -> str:
    """A table whose columns but the first are numbers, long ones folded."""
    numbers = range(1, len(heads)) if numbers is None else numbers
    kinds = ["number" if i in numbers else "" for i in range(len(heads))]
    kinds = [f' class="{kind}"' if kind else "" for kind in kinds]
    if not numbers:
        kinds[-1] = ' class="why"'

    def cells(tag: str, texts: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{kind}>{escape(text)}</{tag}>"
            for kind, text in zip(kinds, texts, strict=True)
        )

    lines = [f"<tr>{cells('td', row)}</tr>\n" for row in rows]
    return pages.table(cells("th", heads), lines)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.4f}"
