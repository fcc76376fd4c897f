"""One page of HTML about a search, to be read without network and without scripts."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from tuning.charts import STEPS, draw_effect, draw_parallel, reach
from tuning.results import SearchResults, show, show_number, show_score
from tuning.trials import STATUSES, Trial
from zoo import pages
from zoo.messages import duration

_TOLD = 8  # targets that are named


def write_report(results: SearchResults, path: str | os.PathLike) -> None:
    """Write the page of a search.

    Args:
        results: The search, finished or not.
        path: File to write, replaced if it exists.
    """
    Path(path).write_text(report(results), encoding="utf-8")


def report(results: SearchResults) -> str:
    """The page of a search as HTML: what was searched, what was found, what was not."""
    sections = [_head(results), _searched(results)]
    if results.count("done"):
        sections += [_best(results), _leaderboard(results), *_charts(results)]
    sections.append(_left_out(results))
    return pages.page(f"Search: {results.facts['space']}", "tuning", sections)


def _head(results: SearchResults) -> str:
    facts = results.facts
    ended = ", ".join(
        f"{results.count(status)} {status}"
        for status in STATUSES
        if results.count(status)
    )
    tiles = [
        ("trials", f"{len(results.trials)}", ended or "none has ended"),
        ("time", duration(sum(t.seconds for t in results.trials)), "over all trials"),
    ]
    if results.count("done"):
        best = results.best()
        seeds = len(best.scores)
        score = f"trial {best.trial}" + (f", mean of {seeds} seeds" * (seeds > 1))
        size = "-" if best.parameters is None else f"{best.parameters:,}"
        tiles.insert(0, (f"best {results.objective}", show_number(best.score), score))
        tiles.append(("parameters", size, "of the best network"))
    title, about = facts.get("title") or facts["space"], facts.get("reference") or ""
    title = title[:1].upper() + title[1:]
    return pages.head("Hyperparameter search", title, about, tiles)


def _searched(results: SearchResults) -> str:
    facts = results.facts
    better = "larger" if facts["direction"] == "max" else "smaller"
    lines = {
        "space": facts["space"],
        "data": _data(facts["dataset"]),
        "objective": f"{facts['objective']}, {better} is better",
        "tuner": f"{facts['tuner']}, {_limit(facts.get('max_trials'))}",
        "seeds": f"{facts['seeds']} for each trial",
        "training": _changed(facts["settings"]),
        "choices": _pairs(facts.get("choices") or {}),
        "versions": ", ".join(f"{k} {v}" for k, v in facts["versions"].items()),
    }
    return pages.section("What was searched", pages.facts(lines))


def _limit(trials: int | None) -> str:
    return "no limit of trials" if trials is None else f"at most {trials} trials"


def _data(dataset: Mapping[str, Any]) -> str:
    targets = dataset["targets"]
    names = ", ".join(targets[:_TOLD]) + (", ..." if len(targets) > _TOLD else "")
    count = f"{len(targets)} target{'s' * (len(targets) != 1)}"
    path = dataset.get("path") or "a dataset in memory"
    digest = dataset["digest"][:12]
    return f"{path}: {dataset['length']} bases, {count} ({names}), digest {digest}"


def _changed(settings: Mapping[str, Any]) -> str:
    """The settings that are not those of `rckeras train`."""
    from zoo.learning import TrainingSettings

    usual = asdict(TrainingSettings())
    changed = {k: v for k, v in settings.items() if usual.get(k, object()) != v}
    return _pairs(changed) or "as `rckeras train` has it"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_plain(value)}" for name, value in values.items()
    )


def _plain(value: Any) -> str:
    return show(value) if not isinstance(value, Mapping) else json.dumps(value)


def _best(results: SearchResults) -> str:
    best = results.best()
    values = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(show(best.hyperparameters[name]))}"
        "</dd></div>"
        for name in results.names()
        if name in best.hyperparameters
    )
    body = f'<dl class="values">{values}</dl>'
    if best.network:
        code = f"import zoo\n\nnetwork = {results.code(best)}"
        body += f"<pre><code>{escape(code)}</code></pre>"
    return pages.section(f"The best: trial {best.trial}, {show_score(best)}", body)


def _leaderboard(results: SearchResults) -> str:
    names = results.names(varying=True)
    ranked = results.ranked()
    measured = results.metrics.values()
    heads = ["", "trial", results.objective, *measured, *names]
    heads += ["parameters", "epochs", "time"]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    scores = [trial.score for trial in ranked]
    rows = [
        _row(rank, trial, results.metrics, names, _share(trial.score, scores))
        for rank, trial in enumerate(ranked, start=1)
    ]
    return pages.section("Leaderboard", pages.table(head, rows))


def _share(score: float, scores: list[float]) -> float:
    """Where a score lies between the worst and the best, in percent."""
    best, worst = scores[0], scores[-1]
    return 100.0 if best == worst else 100 * (score - worst) / (best - worst)


def _row(
    rank: int,
    trial: Trial,
    metrics: Iterable[str],
    names: Iterable[str],
    share: float,
) -> str:
    values = trial.hyperparameters
    size = "" if trial.parameters is None else f"{trial.parameters:,}"
    epochs = ", ".join(map(str, trial.epochs))
    cells = [show_number(trial.measured[metric]) for metric in metrics]
    cells += [show(values[name]) if name in values else "–" for name in names]
    cells += [size, epochs, duration(trial.seconds)]
    return (
        f"<tr><td>{rank}</td><td>{escape(trial.trial)}</td>"
        f'<td class="score" style="--share:{share:.0f}%">{show_score(trial)}</td>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>\n"
    )


def _charts(results: SearchResults) -> list[str]:
    """Effects of the hyperparameters that vary, the largest first, and all in one."""
    done = [trial.hyperparameters for trial in results.ranked()]
    names = [
        name
        for name in results.names(varying=True)
        if len({repr(v[name]) for v in done if name in v}) > 1
    ]
    if not names:
        return []
    names.sort(key=lambda name: -reach(results, name))
    panels = "".join(_panel(name, draw_effect(results, name)) for name in names)
    effects = pages.section(
        "Effects",
        "<p>Each dot is a trial; bars are medians, which thin lines join where values "
        "have an order. The hyperparameter whose medians lie furthest apart comes "
        f'first.</p>{_key()}<div class="panels">{panels}</div>',
    )
    together = pages.section(
        "All hyperparameters",
        "<p>Each line is a trial, from its values to its score; better trials have "
        "stronger colours, and lie above worse ones of the same value.</p>"
        f"{_key()}{pages.scrolling(draw_parallel(results))}",
    )
    return [effects, *_measured(results, names), together]


def _measured(results: SearchResults, names: list[str]) -> list[str]:
    """Effects on what was measured beside the objective."""
    panels = "".join(
        _panel(f"{heading}, {name}", draw_effect(results, name, metric))
        for metric, heading in results.metrics.items()
        for name in names
    )
    if not panels:
        return []
    text = "<p>What was measured of each network besides, and did not rank it.</p>"
    body = f'{text}{_key()}<div class="panels">{panels}</div>'
    return [pages.section("Also measured", body)]


def _panel(title: str, chart: str) -> str:
    return pages.panel(title, pages.scrolling(chart))


def _key() -> str:
    steps = "".join(f'<i class="s{step}"></i>' for step in range(STEPS))
    return f'<p class="key">worst {steps} best <i class="best"></i> the best one</p>'


def _left_out(results: SearchResults) -> str:
    trials = [trial for trial in results.trials if trial.score is None]
    if not trials:
        return ""
    names = [
        name
        for name in results.names()
        if any(name in trial.hyperparameters for trial in trials)
    ]
    heads = ["trial", "status", "reason", *names]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    rows = []
    for trial in trials:
        values = [show(trial.hyperparameters.get(name, "–")) for name in names]
        cells = "".join(f"<td>{escape(value)}</td>" for value in values)
        rows.append(
            f"<tr><td>{escape(trial.trial)}</td>"
            f'<td><span class="{trial.status}">{escape(trial.status)}</span></td>'
            f'<td class="reason">{escape(trial.reason)}</td>{cells}</tr>\n'
        )
    return pages.section("Pruned and failed", pages.table(head, rows))
