"""The page about a network: what is on it, and that nothing else is needed."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest

from rckeras import conjoin
from rckeras.datasets import Dataset, save_dataset
from rckeras.evaluation import evaluate
from rckeras.layers import (
    DenseAfterRevcomp,
    MonteCarloDropout,
    RevCompConv1D,
    RevCompDropout,
)
from rckeras.motifs import Motif, load_encode_motifs, write_meme
from rckeras.sequence import base_codes
from tests.tuning.test_report import Page
from tuning import cli
from zoo.report import report_file
from zoo.report_page import page
from zoo.svg import inline_svg

pytest.importorskip("logomaker", reason="needs the extra `motifs`")
pytest.importorskip("sklearn", reason="needs the extra `reports`")

LENGTH = 30
PLANTED = "TGACTCA"


@pytest.fixture(scope="module")
def dataset():
    """Every second sequence holds the motif that the filters of the network are."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(60):
        letters = rng.choice(list("ACGT"), LENGTH)
        if number % 2:
            start = rng.integers(LENGTH - len(PLANTED))
            letters[start : start + len(PLANTED)] = list(PLANTED)
        rows.append("".join(letters))
    labels = np.arange(60)[:, None] % 2 == [[1, 0]]
    names = np.array([f"<peak {i}>" for i in range(60)])
    return Dataset(
        base_codes(rows),
        labels.astype("uint8"),
        ("A&B", "other"),
        np.repeat(np.array([0, 2], "uint8"), 30),
        {"name": names},
    )


@pytest.fixture(scope="module")
def data(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "set.h5"
    save_dataset(dataset, path)
    return path


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("known") / "known.meme"
    counts = np.array([np.eye(4)["ACGT".index(letter)] for letter in PLANTED])
    planted = Motif.from_counts("AP1<>", 20 * counts + 1, "MA1")
    write_meme(path, [planted, *load_encode_motifs()])
    return path


def motif_kernel(filters):
    kernel = np.zeros((len(PLANTED), 4, filters), "float32")
    for place, letter in enumerate(PLANTED):
        kernel[place, "ACGT".index(letter), 0] = 1
    return kernel


def build(dropout=(), conv=None, length=LENGTH):
    keras.utils.set_random_seed(0)
    conv = conv or keras.layers.Conv1D(2, len(PLANTED), activation="relu", name="conv")
    model = keras.Sequential(
        [
            keras.Input((length, 4)),
            conv,
            *dropout,
            keras.layers.GlobalMaxPooling1D(),
            DenseAfterRevcomp(2, activation="sigmoid")
            if isinstance(conv, RevCompConv1D)
            else keras.layers.Dense(2, activation="sigmoid"),
        ],
        name="tiny_net",
    )
    weights = [
        motif_kernel(w.shape[-1]) if w.ndim == 3 else w for w in conv.get_weights()
    ]
    conv.set_weights([weights[0], np.full_like(weights[1], -4)])
    return model


@pytest.fixture(scope="module")
def plain():
    return build()


@pytest.fixture(scope="module")
def written(plain, data, known, tmp_path_factory):
    """The report of a network without symmetry or dropout, and its page."""
    output = tmp_path_factory.mktemp("out") / "page.html"
    report = report_file(plain, data, output, known=known, explain=3)
    return report, output.read_text("utf-8")


def test_the_page_is_well_formed_and_has_every_section(written):
    parsed = Page(written[1])
    headings = [text for text in parsed.texts if text.strip()]
    for title in (
        "What was looked at",
        "How well it predicts",
        "Strand symmetry",
        "What its filters look for",
        "Where it looks",
        "How sure it is",
    ):
        assert title in headings
    assert "tiny_net" in headings


def test_the_page_needs_nothing_else(written):
    parsed = Page(written[1])
    assert not {"script", "link", "img", "iframe", "object"} & set(parsed.tags)
    links = [value for key, value in parsed.attributes if key.split(":")[-1] == "href"]
    sources = [key for key, _ in parsed.attributes if key in ("src", "srcset")]
    assert all(link.startswith("#") for link in links)
    assert not sources
    assert "http" not in written[1]
    assert "@import" not in written[1]


def test_ids_are_unique_and_what_is_used_is_there(written):
    ids = re.findall(r'\sid="([^"]*)"', written[1])
    assert len(ids) == len(set(ids))
    used = re.findall(r"url\(#([^)]*)\)", written[1])
    used += re.findall(r'href="#([^"]*)"', written[1])
    assert used
    assert set(used) <= set(ids)


def test_figures_take_the_colours_of_the_page(written):
    assert "#000000" not in written[1]
    figures = re.findall(r"<svg .*?</svg>", written[1], re.DOTALL)
    assert len(figures) >= 4
    for figure in figures:
        assert "currentColor" in figure
        assert "#ffffff" not in figure
        assert re.match(r'<svg viewBox="0 0 [\d.]+ [\d.]+" role="img"', figure)


def test_metrics_are_those_of_evaluate(written, plain, dataset):
    expected = evaluate(plain, dataset)
    report, text = written
    assert report.evaluation.metrics.mean_auroc == expected.metrics.mean_auroc
    assert f"{expected.metrics.mean_auroc:.4f}" in text
    assert f"{expected.strands.flipped:.1%}" in text


def test_names_are_escaped(written):
    assert "A&amp;B" in written[1]
    assert "A&B" not in written[1]
    assert "AP1&lt;&gt;" in written[1]
    assert "&lt;peak " in written[1]


def test_strands_are_those_of_the_network(written, plain, dataset):
    x, _ = dataset.arrays("test")
    report, _ = written
    for strand, turned in enumerate((x, x[:, ::-1, ::-1])):
        expected = plain.predict(np.ascontiguousarray(turned), verbose=0)
        np.testing.assert_allclose(report.strands[:, strand], expected, atol=1e-6)


def test_the_motif_of_a_filter_finds_its_match(written):
    report, text = written
    assert report.matches.best()[0].e_value < 0.01
    assert "AP1&lt;&gt; (+)" in text


def test_explained_are_the_surest_positives_of_targets_in_turn(written, dataset):
    report, _ = written
    assert [each.target for each in report.explained] == ["A&B", "other", "A&B"]
    mean = report.strands.mean(axis=1)
    _, labels = dataset.arrays("test")
    for place in range(2):
        best = mean[labels[:, place] == 1, place].max()
        assert report.explained[place].probability == pytest.approx(best)


@pytest.mark.parametrize(("start", "first"), [(0, 0), (100, 73), (193, 140)])
def test_the_strongest_bases_are_in_the_middle_if_they_can(
    known, tmp_path, start, first
):
    letters = np.tile(list("ACT"), 67)[:200]
    other = "".join(letters)
    letters[start : start + len(PLANTED)] = list(PLANTED)
    codes = base_codes(["".join(letters), other])
    labels = np.array([[1, 1], [0, 0]], "uint8")
    save_dataset(Dataset(codes, labels, ("a", "b")), tmp_path / "long.h5")
    options = {"known": known, "split": "all", "explain": 1}
    model, output = build(length=200), tmp_path / "p.html"
    (found,) = report_file(model, tmp_path / "long.h5", output, **options).explained
    assert found.contributions.shape == (60, 4)
    assert abs(found.first - first) <= 13


def test_a_network_without_dropout_has_calibration_and_no_rejection(written):
    report, text = written
    assert set(report.calibration) == {"A&B", "other"}
    assert not report.rejection
    assert "no Monte Carlo dropout" in text


def test_the_asymmetric_layer_is_named(written):
    assert "Nothing makes the answers to both strands the same" in written[1]
    assert "from conv on" in written[1]


def test_the_same_report_gives_the_same_page(written):
    assert page(written[0]) == page(written[0]) == written[1]


def test_a_bayesian_network_has_rejection_curves(data, known, tmp_path):
    model = build([MonteCarloDropout(0.4)])
    report = report_file(
        model, data, tmp_path / "p.html", known=known, explain=0, mc_samples=4
    )
    assert set(report.rejection) == {"A&B", "other"}
    text = (tmp_path / "p.html").read_text("utf-8")
    assert "Accuracy against rejection" in text
    assert "Where it looks" not in text
    again = report_file(
        model, data, tmp_path / "q.html", known=known, explain=0, mc_samples=4
    )
    np.testing.assert_array_equal(
        again.rejection["other"].accuracy, report.rejection["other"].accuracy
    )


def test_a_symmetric_network_is_said_to_be_so(data, known, tmp_path):
    conv = RevCompConv1D(2, len(PLANTED), activation="relu", name="rc")
    model = build([RevCompDropout(0.1)], conv)
    report = report_file(model, data, tmp_path / "p.html", known=known, explain=1)
    assert report.evaluation.strands.flipped == 0
    text = (tmp_path / "p.html").read_text("utf-8")
    assert "both strands of a sequence get the same answer" in text
    assert "channels 0 and " in text


def test_a_network_without_convolution_says_so(data, known, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="sigmoid"),
        ]
    )
    report = report_file(model, data, tmp_path / "p.html", known=known, explain=0)
    assert report.without_motifs
    assert "No motifs: " in (tmp_path / "p.html").read_text("utf-8")


def test_many_targets_are_folded_and_taken_together(written):
    report, _ = written
    found = report.evaluation
    many = 25
    metrics = replace(
        found.metrics,
        targets=tuple(f"t{i}" for i in range(many)),
        auroc=np.linspace(0, 1, many),
        auprc=np.linspace(0, 1, many),
        positives=np.full(many, 3),
        negatives=np.full(many, 3),
    )
    evaluation = replace(
        found,
        metrics=metrics,
        labels=np.tile(found.labels[:, :1], many),
        predictions=np.tile(found.predictions[:, :1], many),
    )
    text = page(replace(report, evaluation=evaluation))
    assert "<summary>5 more</summary>" in text
    assert text.index(">t24<") < text.index(">t3<")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"explain": -1}, "`explain` must be at least 0. Received: -1"),
        ({"max_sequences": 1}, "`max_sequences` must be at least 2. Received: 1"),
        ({"n_value": 3}, "`n_value`"),
        ({"targets": ["none"]}, "none"),
        ({"layer": "none"}, "none"),
    ],
)
def test_arguments_out_of_range_are_named(
    plain, data, known, tmp_path, options, message
):
    output = tmp_path / "p.html"
    with pytest.raises(ValueError, match=message):
        report_file(plain, data, output, **{"known": known, **options})
    assert not output.exists()


@pytest.mark.parametrize(
    ("argument", "words"),
    [({"mc_samples": 1}, "`mc_samples` must be at least 2"), ({"layer": "c9"}, "c9")],
)
def test_arguments_are_refused_before_anything_is_predicted(
    plain, data, known, tmp_path, monkeypatch, argument, words
):
    monkeypatch.setattr("zoo.report._Look.evaluate", None)
    with pytest.raises(ValueError, match=words):
        report_file(plain, data, tmp_path / "a.html", known=known, **argument)


def test_a_page_is_kept_unless_forced(plain, data, known, tmp_path):
    output = tmp_path / "p.html"
    output.write_text("mine")
    with pytest.raises(FileExistsError, match="exists already"):
        report_file(plain, data, output, known=known)
    assert output.read_text() == "mine"


def test_the_command_writes_the_page(plain, data, known, written, tmp_path, capsys):
    saved, output = tmp_path / "tiny.keras", tmp_path / "p.html"
    plain.save(saved)
    words = ["report", saved, "--data", data, "-o", output, "--known", known]
    assert cli.main([str(word) for word in [*words, "--explain", 3]]) == 0
    assert output.read_text("utf-8") == written[1]
    assert capsys.readouterr().err.startswith("30 sequences: loss ")


@pytest.mark.parametrize(("word", "taxon"), [("all", None), ("plants", "plants")])
def test_the_command_may_ask_for_all_taxa(monkeypatch, word, taxon):
    seen = {}
    monkeypatch.setattr(
        "zoo.report.report_file", lambda **options: seen.update(options)
    )
    words = f"report net.keras --data data.h5 -o p.html --taxon {word} --quiet"
    assert cli.main(words.split()) == 0
    assert seen["taxon"] == taxon


def test_a_network_without_a_last_squashing_is_explained_by_its_answer(
    plain, data, known, tmp_path
):
    merged = conjoin(plain, "mean")
    report = report_file(merged, data, tmp_path / "p.html", known=known, explain=1)
    assert not report.of_logits
    assert "add to the answer" in (tmp_path / "p.html").read_text("utf-8")


def test_a_label_may_have_any_letters():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    assert 'aria-label="peak\\d1"' in inline_svg(figure, "one", r"peak\d1")


def test_a_drawing_is_as_wide_as_its_place():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    axes.plot([0, 1])
    axes.set_title("0.12345 < 1")
    svg = inline_svg(figure, "one", 'a "curve"')
    assert svg.startswith('<svg viewBox="0 0 ')
    assert 'aria-label="a &quot;curve&quot;"' in svg[:200]
    assert ' width="' not in svg[:200]
    assert svg.endswith("</svg>")
    assert ">0.12345 &lt; 1</text>" in svg
    assert not re.search(r' d="[^"]*\d\.\d{3}', svg)
