import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.tuning.made_up import FACTS, TRIALS, make_search
from tuning.charts import Axis, draw_effect, draw_parallel
from tuning.report import report, write_report
from tuning.results import read_search
from tuning.trials import Trial


class Page(HTMLParser):
    """Elements and texts of a page, which must be nested well."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.attributes = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def found(tmp_path):
    return read_search(make_search(tmp_path / "search"))


def with_scores(tmp_path, values, scores=None, **facts):
    scores = scores or [i / 10 for i in range(len(values))]
    trials = [
        Trial(str(i), "done", value, score)
        for i, (value, score) in enumerate(zip(values, scores, strict=True))
    ]
    return read_search(make_search(tmp_path / "search", trials, **facts))


def heights(svg):
    """The height of each trial's dot, by the trial's name; more is lower."""
    dots = ElementTree.fromstring(svg).iter("circle")
    return {dot[0].text.split()[1].rstrip(":"): float(dot.get("cy")) for dot in dots}


def test_the_page_is_well_formed(found):
    page = Page(report(found))
    assert {"h1", "table", "svg", "figure"} <= set(page.tags)
    for svg in re.findall(r"<svg.*?</svg>", report(found), re.DOTALL):
        ElementTree.fromstring(svg)


def test_the_page_needs_nothing_else(found):
    page = Page(report(found))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "srcset"}
    assert not re.search(r"url\(|@import|https?://", report(found))


def test_the_page_is_made_without_keras(tmp_path):
    folder = make_search(tmp_path / "search")
    code = (
        "import sys\n"
        "from tuning.report import report\n"
        "from tuning.results import read_search\n"
        "report(read_search(sys.argv[1]))\n"
        "assert not {'keras', 'keras_tuner', 'rckeras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_the_page_says_what_was_searched_and_what_was_found(found):
    text = " ".join(Page(report(found)).texts)
    for words in (
        "shrikumar2017",
        "simulated.h5: 40 bases, 2 targets (GATA1, ELF1), digest 0123456789ab",
        "val_auroc, larger is better",
        "random, at most 6 trials",
        "2 for each trial",
        "epochs 30",
        "filters (8, 16)",
        "keras-tuner 1.4.8",
        "3 done, 1 pruned, 1 failed",
        "The best: trial 3, 0.9000 ± 0.0141",
    ):
        assert words in text
    assert "batch size" not in text  # as always
    assert all(trial.reason in text for trial in TRIALS)


def test_light_dark_and_narrow_pages_are_provided_for(found):
    text = report(found)
    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media (max-width: 560px)" in text
    assert 'name="viewport" content="width=device-width' in text
    blocks = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    names = [set(re.findall(r"(--\w+):", block)) for block in blocks]
    light, dark = set().union(*names[::2]), set().union(*names[1::2])
    used = set(re.findall(r"var\((--\w+)\)", text))
    assert used - {"--share"} <= light == dark


def test_what_users_wrote_is_escaped(tmp_path):
    bad = "<script>alert('&')</script>\""
    trials = [
        Trial("<b>", "done", {bad: bad, "x": 1}, 0.5, network=bad),
        Trial("1", "done", {bad: "fine", "x": 2}, 0.4),
        Trial("2", "failed", {bad: bad}, reason=bad),
    ]
    data = FACTS["dataset"] | {"path": bad, "targets": [bad]}
    facts = {name: bad for name in ("space", "tuner", "objective")}
    facts |= {"dataset": data, "choices": {bad: [bad]}, "versions": {bad: bad}}
    text = report(read_search(make_search(tmp_path / "search", trials, **facts)))
    page = Page(text)
    assert "script" not in page.tags
    assert bad in page.texts
    assert not {"onload", "onclick"} & {name for name, _ in page.attributes}


def test_a_search_of_which_nothing_is_done_has_a_page(tmp_path):
    trials = [trial for trial in TRIALS if trial.score is None]
    page = Page(report(read_search(make_search(tmp_path / "some", trials))))
    assert "no room" in page.texts
    page = Page(report(read_search(make_search(tmp_path / "none", []))))
    assert "none has ended" in page.texts
    assert "svg" not in page.tags


def test_what_does_not_vary_has_no_chart(tmp_path):
    one = with_scores(tmp_path / "one", [{"filters": 8}])
    assert "svg" not in Page(report(one)).tags
    text = report(with_scores(tmp_path, [{"filters": n, "pool": 4} for n in (8, 16)]))
    captions = re.findall("<figcaption>(.*?)</figcaption>", text)
    assert captions == ["filters"]


def test_the_hyperparameter_that_matters_most_comes_first(tmp_path):
    values = [{"little": i % 2, "much": i // 2} for i in range(4)]
    text = report(with_scores(tmp_path, values))
    captions = re.findall("<figcaption>(.*?)</figcaption>", text)
    assert captions == ["much", "little"]


def test_long_lists_are_folded(tmp_path):
    found = with_scores(tmp_path, [{"filters": i} for i in range(23)])
    assert "3 more" in Page(report(found)).texts


@pytest.mark.parametrize(("direction", "top"), [("max", "3"), ("min", "1")])
def test_better_scores_are_further_up(tmp_path, direction, top):
    found = read_search(make_search(tmp_path / "search", direction=direction))
    drawn = heights(draw_effect(found, "filters"))
    order = [trial.trial for trial in found.ranked()]
    assert sorted(drawn, key=drawn.get) == order
    assert order[0] == top


def test_a_dot_is_drawn_for_each_trial_that_has_the_value(tmp_path):
    values = [{"layers": 1}, {"layers": 2, "inner": 4}, {"layers": 2, "inner": 8}]
    found = with_scores(tmp_path, values)
    assert set(heights(draw_effect(found, "layers"))) == {"0", "1", "2"}
    assert set(heights(draw_effect(found, "inner"))) == {"1", "2"}


def test_medians_are_drawn_where_they_are(tmp_path):
    values = [{"filters": n} for n in (8, 8, 8, 16)]
    svg = draw_effect(with_scores(tmp_path, values, [0.1, 0.2, 0.9, 0.5]), "filters")
    drawn = heights(svg)
    path = ElementTree.fromstring(svg).find("path[@class='median']").get("d")
    bars = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)h", path)]
    assert bars == pytest.approx([drawn["1"], drawn["3"]], abs=0.1)


def test_medians_are_joined_where_values_have_an_order(tmp_path):
    numbers = with_scores(tmp_path / "numbers", [{"x": n} for n in (1, 2)])
    texts = with_scores(tmp_path / "texts", [{"x": t} for t in "ab"])
    join = "path[@class='join']"
    for found, drawn in ((numbers, True), (texts, False)):
        svg = ElementTree.fromstring(draw_effect(found, "x"))
        assert bool(svg.find(join).get("d")) is drawn


def test_each_trial_is_a_line_of_parallel_coordinates_and_the_best_on_top(found):
    svg = ElementTree.fromstring(draw_parallel(found))
    lines = [p for p in svg.iter("path") if "line" in p.get("class").split()]
    assert [line[0].text[:7] for line in lines] == ["trial 1", "trial 0", "trial 3"]
    assert [line.get("class") for line in lines] == ["line s0", "line s2", "line best"]


@pytest.mark.parametrize("scores", [[0.5, 0.5], [1e-9, 2e-9], [-3e5, 4e5], [0, 0]])
def test_any_scores_can_be_drawn(tmp_path, scores):
    found = with_scores(tmp_path, [{"x": 1}, {"x": 2}], scores)
    for text in (draw_effect(found, "x"), draw_parallel(found)):
        assert not re.search("nan|inf", text)
        places = [float(y) for y in re.findall(r'cy="([-\d.]+)"', text)]
        assert all(0 <= y <= 230 for y in places)


def test_few_values_have_places_in_order():
    axis = Axis([16, 8, 8, 32, None])
    assert axis.ticks() == [(0.125, "–"), (0.375, "8"), (0.625, "16"), (0.875, "32")]
    assert Axis([True, False]).ticks() == [(0.25, "False"), (0.75, "True")]
    assert [text for _, text in Axis(["relu", 8, "elu"]).ticks()] == [
        "8",
        "elu",
        "relu",
    ]


def test_many_numbers_are_on_a_scale_and_on_logarithms_if_they_span_much():
    linear = Axis([float(n) for n in range(1, 22)])
    assert [linear.place(x) for x in (1.0, 11.0, 21.0)] == [0, 0.5, 1]
    logs = Axis([10 ** (n / 5) for n in range(21)])
    assert logs.place(100.0) == pytest.approx(0.5)
    assert [text for _, text in logs.ticks()] == ["1", "100", "1e+04"]


def test_the_page_is_written_to_a_file(found, tmp_path):
    write_report(found, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == report(found)


def test_what_else_was_measured_has_panels_of_its_own(tmp_path):
    trials = [
        Trial(str(i), "done", {"pool": 2**i}, -i, measured={"matched": i / 4})
        for i in range(4)
    ]
    metrics = {"matched": "filters that match"}
    found = read_search(make_search(tmp_path / "search", trials, metrics=metrics))
    page = report(found)
    assert "Also measured" in page
    assert "filters that match, pool" in page
    better = heights(draw_effect(found, "pool"))
    matched = heights(draw_effect(found, "pool", "matched"))
    assert better["0"] < better["3"]
    assert matched["3"] < matched["0"]
