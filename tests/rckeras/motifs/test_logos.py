import re
import sys

import numpy as np
import pytest

from rckeras.io.figures import write_figure
from rckeras.motifs import load_encode_motifs
from rckeras.motifs.filters import FilterMotif
from rckeras.motifs.logos import COLOURS, draw_gallery, draw_logo
from rckeras.motifs.matching import Match, Matches
from rckeras.motifs.motif import Motif

pytest.importorskip("logomaker")
colors = pytest.importorskip("matplotlib.colors")

GATA, ELF1, RXRA = load_encode_motifs()


def letters(ax):
    """Colour, position, lower and upper end of each letter."""
    by_colour = {colors.to_rgb(colour): base for base, colour in COLOURS.items()}
    found = []
    for patch in ax.patches:
        box = patch.get_path().get_extents()
        base = by_colour[colors.to_rgb(patch.get_facecolor()[:3])]
        found.append((base, round((box.x0 + box.x1) / 2), box.y0, box.y1))
    return found


def heights(ax):
    """Height of each base at each position."""
    return {(base, at): high - low for base, at, low, high in letters(ax)}


def test_the_letters_of_a_motif_share_out_the_bits_of_their_position():
    motif = Motif("box", [[0.5, 0.5, 0, 0], [0, 0, 0.25, 0.75], [0.25] * 4])
    bits = 2 + 0.25 * np.log2(0.25) + 0.75 * np.log2(0.75)
    found = heights(draw_logo(motif))
    expected = {
        ("A", 1): 0.5,
        ("C", 1): 0.5,
        ("G", 2): 0.25 * bits,
        ("T", 2): 0.75 * bits,
    }
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_commonest_base_stands_on_top():
    piles = {}
    for base, at, low, _ in letters(draw_logo(ELF1)):
        piles.setdefault(at, []).append((low, base))
    tops = "".join(max(piles[at])[1] for at in sorted(piles))
    assert tops == ELF1.consensus


def test_other_numbers_are_drawn_as_they_are_above_and_below():
    matrix = np.zeros((3, 4))
    matrix[0, 2], matrix[1, 0], matrix[2, 3] = 0.7, -0.4, 0.1
    ax = draw_logo(matrix, ylabel="Gradient", first=501, title="$a_1")
    ends = {(b, at): (low, high) for b, at, low, high in letters(ax)}
    assert ends["G", 501] == pytest.approx((0, 0.7), abs=1e-6)
    assert ends["A", 502] == pytest.approx((-0.4, 0), abs=1e-6)
    assert ends["T", 503] == pytest.approx((0, 0.1), abs=1e-6)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Position", "Gradient")
    low, high = ax.get_ylim()
    assert low < -0.4
    assert high > 0.7
    assert ax.get_title() == "$a_1"


def test_an_axis_is_drawn_on_and_both_its_axes_have_names():
    ax = draw_logo(GATA)
    other = draw_logo(RXRA, ax=ax.figure.add_subplot(2, 1, 2))
    for each, motif in ((ax, GATA), (other, RXRA)):
        assert (each.get_xlabel(), each.get_ylabel()) == ("Position", "Bits")
        assert each.get_xlim() == (0.5, len(motif) + 0.5)
        assert each.get_ylim() == (0, 2)


def test_nothing_to_see_is_drawn_without_a_warning(recwarn):
    ax = draw_logo(np.zeros((5, 4)))
    assert draw_logo(Motif("flat", np.full((3, 4), 0.25))).get_ylim() == (0, 2)
    assert ax.get_xlim() == (0.5, 5.5)
    assert not letters(ax)
    assert not [w for w in recwarn if issubclass(w.category, UserWarning)]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((4, 5)), r"Received: shape \(4, 5\)"),
        (np.zeros((0, 4)), r"Received: shape \(0, 4\)"),
        (np.array([[0, 0, 0, 0], [0, np.nan, 0, 0]]), r"finite .* nan.* in row 1"),
    ],
)
def test_what_is_no_logo_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        draw_logo(matrix)


def found(*best):
    """Matches in which query `i` has the target and the strand `best[i]`."""
    targets = (GATA, ELF1, RXRA)
    rows = tuple(
        () if hit is None else (Match(i, hit[0], 1e-7, 3e-7, 3e-7, 0, 5, hit[1]),)
        for i, hit in enumerate(best)
    )
    return Matches((None,) * len(best), targets, rows, 0.1)


def test_a_title_has_the_channels_and_the_best_match_with_its_strand():
    one = Motif("conv1_0", GATA.probabilities)
    pair = FilterMotif("conv1_2", ELF1.probabilities, channel=2, partner=13)
    lone = Motif("conv1_3", RXRA.probabilities)
    figure = draw_gallery([one, None, pair, lone], found((0, 1), None, (1, -1), None))
    assert [ax.get_title() for ax in figure.axes] == [
        "conv1_0\nGATA_known6 (+) E=3e-07",
        "conv1_2 (+2 −13)\nELF1_known2 (−) E=3e-07",
        "conv1_3\nno match",
    ]
    for ax in figure.axes:
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("Position", "Bits")


def test_without_matches_a_title_is_the_name():
    figure = draw_gallery([GATA, ELF1, RXRA], columns=2)
    assert [ax.get_title() for ax in figure.axes] == [
        "GATA_known6",
        "ELF1_known2",
        "RXRA_known1",
    ]


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_gallery_is_written_with_the_same_bytes_each_time(tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        write_figure(draw_gallery([GATA, ELF1], found((0, 1), (1, 1))), path)
    one, other = (path.read_bytes() for path in paths)
    assert one == other
    assert one[:4] in (b"<?xm", b"\x89PNG")


def test_outlines_in_a_file_are_as_fine_as_can_be_seen(tmp_path):
    write_figure(draw_gallery([GATA]), tmp_path / "a.svg")
    outlines = re.findall(r' d="([^"]+)"', (tmp_path / "a.svg").read_text())
    assert len(outlines) > 20
    assert not re.search(r"\.\d{3}", " ".join(outlines))


def test_a_gallery_of_nothing_or_of_others_matches_is_refused():
    with pytest.raises(ValueError, match="Received: 0 motifs, columns=4"):
        draw_gallery([None, None])
    with pytest.raises(ValueError, match="Received: 1 motifs, columns=0"):
        draw_gallery([GATA], columns=0)
    with pytest.raises(ValueError, match="Received: 2 for 1 motifs"):
        draw_gallery([GATA], found((0, 1), None))


def test_without_logomaker_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "logomaker", None)
    with pytest.raises(ImportError, match=r'pip install "rckeras\[motifs\]"'):
        draw_logo(GATA)


@pytest.mark.parametrize("name", ["a.jpg", "a"])
def test_a_figure_of_another_format_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f"end in .svg.* Received: .*{name}"):
        write_figure(draw_logo(GATA).figure, tmp_path / name)
