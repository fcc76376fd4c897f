import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.rate_map import RateMap, read_rate_map

READ, FILE = read_rate_map, "some.map"

HAPMAP = (
    "Chromosome\tPosition(bp)\tRate(cM/Mb)\tMap(cM)\n"
    "chr1\t101\t2.0\t0.0\n"
    "chr1\t1101\t0.5\t0.002\n"
    "chr1\t3101\t0\t0.003\n"
    "chr2\t1\t10\t0.0\n"
    "chr2\t501\t0\t0.005\n"
)
GLIMPSE = (
    "pos\tchr\tcM\n"
    "101\tchr1\t0.0\n1101\tchr1\t0.002\n3101\tchr1\t0.003\n"
    "1\tchr2\t0\n501\tchr2\t5e-3\n"
)


@pytest.mark.parametrize("layout", [HAPMAP, GLIMPSE], ids=["HapMap", "GLIMPSE"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\t", " "),
        lambda text: "# a comment\n\n" + text + "\n",
        lambda text: gzip.compress(text.encode()),
    ],
    ids=["tabs", "no last newline", "CRLF", "spaces", "comment", "gzip"],
)
def test_the_same_map_is_read_from_every_writing(write, layout, change):
    maps = read_rate_map(write(change(layout)))
    assert list(maps) == ["chr1", "chr2"] == [each.chrom for each in maps.values()]
    assert maps["chr1"].start.tolist() == [100, 1100]
    assert maps["chr1"].end.tolist() == [1100, 3100]
    np.testing.assert_allclose(maps["chr1"].rate, [2.0, 0.5], rtol=1e-12)
    assert maps["chr2"].edges.tolist() == [0, 500]
    np.testing.assert_allclose(maps["chr2"].rate, [10.0], rtol=1e-12)


def test_the_columns_of_other_hapmap_releases_are_read(write):
    text = "chr position COMBINED_rate(cM/Mb) Genetic_Map(cM)\n1 5 3 0\n1 7 0 6e-6\n"
    assert read_rate_map(write(text))["1"].rate.tolist() == [3.0]


THOUSAND_GENOMES = (
    "position COMBINED_rate(cM/Mb) Genetic_Map(cM)\n"
    "101 2.0 0\n1101 0.5 0.002\n3101 0 0.003\n"
)


@pytest.mark.parametrize(
    ("name", "chrom"),
    [
        ("genetic_map_chr22_combined_b37.txt", "chr22"),
        ("genetic_map_chrX_nonPAR_combined_b37.txt", "chrX"),
        ("genetic_map_GRCh37_chr2L.txt.gz", "chr2L"),
        ("chrMT.map", "chrMT"),
        ("chr7_chr7.map", "chr7"),
    ],
)
def test_a_map_without_chromosomes_has_that_of_its_name(tmp_path, name, chrom):
    (tmp_path / name).write_text(THOUSAND_GENOMES)
    maps = read_rate_map(tmp_path / name)
    assert list(maps) == [chrom] == [maps[chrom].chrom]
    assert maps[chrom].edges.tolist() == [100, 1100, 3100]
    assert maps[chrom].rate.tolist() == [2.0, 0.5]


def test_a_chromosome_that_is_given_goes_before_the_name(tmp_path):
    for name in ("some.map", "chr1.map"):
        (tmp_path / name).write_text(THOUSAND_GENOMES)
        assert list(read_rate_map(tmp_path / name, chrom="22")) == ["22"]


@pytest.mark.parametrize(
    ("name", "count"),
    [("map.txt", 0), ("chromosome_map.txt", 0), ("chr1_chr2.txt", 2)],
)
def test_a_map_without_any_chromosome_says_how_to_name_it(tmp_path, name, count):
    (tmp_path / "chr9").mkdir()
    path = tmp_path / "chr9" / name
    path.write_text(THOUSAND_GENOMES)
    message = rf"{name}:1: .*no column of chromosomes.*chr22.*`chrom`.*: {count} in"
    with pytest.raises(ValueError, match=message):
        read_rate_map(path)


def test_a_chromosome_is_not_given_to_a_file_that_names_its_own(write):
    path = write(GLIMPSE)
    with pytest.raises(ValueError, match=r"map:1: `chrom` is for .*Received: '22'"):
        read_rate_map(path, chrom="22")


@pytest.mark.parametrize("layout", [HAPMAP, GLIMPSE], ids=["HapMap", "GLIMPSE"])
@pytest.mark.parametrize("before", ["#", "# ", "# made by hand\n\n##"])
def test_a_header_may_start_as_a_comment(write, layout, before):
    maps = read_rate_map(write(before + layout))
    expected = read_rate_map(write(layout))
    assert list(maps) == list(expected) == ["chr1", "chr2"]
    for name in maps:
        assert maps[name].edges.tolist() == expected[name].edges.tolist()
        assert maps[name].rate.tolist() == expected[name].rate.tolist()


def test_comments_between_markers_are_skipped(write):
    lines = HAPMAP.splitlines(keepends=True)
    path = write("# pos chr cM\n" + "# pos chr cM\n".join(lines))
    assert read_rate_map(path)["chr1"].rate.tolist() == [2.0, 0.5]


def test_a_line_after_a_comment_header_is_named_by_its_number(refused):
    message = refused("#chr pos rate cM\n1 5 3 0\n1 x 0 1\n")
    assert message.startswith(":3: the position must be a whole number")


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 10**6), st.just(0.0) | st.floats(1e-9, 200)),
        min_size=1,
        max_size=12,
    )
)
def test_both_layouts_of_one_map_give_the_same_rates(tmp_path_factory, steps):
    distances, rates = map(np.array, zip(*steps, strict=True))
    positions = 1 + np.append(0, np.cumsum(distances))
    cm = np.append(0, np.cumsum(distances * rates)) / 1e6
    rows = list(zip(positions, [*rates, 0.0], cm, strict=True))
    folder = tmp_path_factory.mktemp("maps")
    (folder / "hapmap").write_text(
        "Chromosome Position(bp) Rate(cM/Mb) Map(cM)\n"
        + "".join(f"1 {p} {float(r)!r} {float(m)!r}\n" for p, r, m in rows)
    )
    (folder / "glimpse").write_text(
        "pos chr cM\n" + "".join(f"{p} 1 {float(m)!r}\n" for p, _, m in rows)
    )
    hapmap, glimpse = (read_rate_map(folder / n)["1"] for n in ("hapmap", "glimpse"))
    assert hapmap.edges.tolist() == glimpse.edges.tolist() == (positions - 1).tolist()
    assert hapmap.rate.tolist() == rates.tolist()
    # The difference of two maps cannot be more exact than the maps.
    error = 1e6 * 4 * np.spacing(cm[-1]) / distances
    assert (np.abs(glimpse.rate - rates) <= error + 1e-9 * rates).all()


@pytest.mark.parametrize("position", [1101, 1100, 5])
@pytest.mark.parametrize("layout", [HAPMAP, GLIMPSE], ids=["HapMap", "GLIMPSE"])
def test_a_map_out_of_order_ends_in_one_line(refused, layout, position):
    message = refused(layout.replace("3101", str(position)))
    assert message.startswith(":4: the rate map is out of order: each position")
    assert message.endswith(f"Received: {position} after 1101")


@pytest.mark.parametrize("layout", [HAPMAP, GLIMPSE], ids=["HapMap", "GLIMPSE"])
def test_a_map_that_decreases_is_refused(refused, layout):
    message = refused(layout.replace("0.003", "0.0019"))
    assert message.startswith(":4: the rate map is out of order: the map (cM)")
    assert message.endswith("Received: 0.0019 after 0.002")


@pytest.mark.parametrize("field", ["nan", "inf", "x", "1_0", "", "1e999"])
@pytest.mark.parametrize("column", ["rate", "map"])
def test_a_field_that_is_no_number_is_refused(refused, column, field):
    row = {"rate": f"chr1\t1101\t{field}\t0.002", "map": f"chr1\t1101\t.5\t{field}"}
    message = refused(HAPMAP.replace("chr1\t1101\t0.5\t0.002", row[column]))
    # The last field of a line, empty, is no field.
    if column == "map" and not field:
        assert message.startswith(":3: a marker must have 4 columns")
    else:
        assert message == f":3: the {column} must be a number. Received: {field!r}"


def test_a_negative_rate_is_refused(refused):
    message = refused(HAPMAP.replace("0.5", "-0.5"))
    assert message == ":3: the rate must not be negative. Received: -0.5"


@pytest.mark.parametrize("field", ["-1", "1.5", "1e3", "x"])
def test_a_position_that_is_no_whole_number_is_refused(refused, field):
    message = refused(GLIMPSE.replace("1101", field))
    assert message.startswith(":3: the position must be a whole number")
    assert message.endswith(f"Received: {field!r}")


def test_a_position_before_the_first_is_refused(refused):
    message = refused(GLIMPSE.replace("101\tchr1\t0.0", "0\tchr1\t0.0"))
    assert message == ":2: positions count from 1. Received: 0"


@pytest.mark.parametrize(
    "header",
    ["chr1\t101\t2.0\t0.0", "pos\tchr", "chr Rate(cM/Mb) Map(cM)", ">chr1"],
)
def test_a_file_without_a_known_header_is_refused(refused, header):
    message = refused(f"{header}\nchr1\t1101\t0.5\t0.002\n")
    assert message.startswith(":1: a rate map must start with a header")
    assert message.endswith(f"Received: {header!r}")


def test_a_line_of_another_number_of_columns_is_refused(refused):
    message = refused(GLIMPSE.replace("1101\tchr1\t0.002", "1101\tchr1"))
    assert message.startswith(":3: a marker must have 3 columns")
    assert message.endswith(r"Received: '1101\tchr1'")


def test_a_chromosome_in_two_blocks_is_refused(refused):
    message = refused(GLIMPSE + "4000\tchr1\t1\n5000\tchr1\t2\n")
    assert message.startswith(":7: the markers of a chromosome must stand together")
    assert message.endswith("Received: 'chr1' again")


def test_a_chromosome_of_one_marker_is_refused(refused):
    message = refused(GLIMPSE + "7\tchr3\t1\n")
    assert message.startswith(":7: a chromosome must have two markers at least")
    assert message.endswith("Received: 'chr3' with one")


@pytest.mark.parametrize(
    "content", ["", "# nothing\n", "pos chr cM\n", "#pos chr cM\n"]
)
def test_a_file_without_a_marker_is_refused(refused, content):
    assert refused(content).startswith(": the file holds no")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.map"):
        read_rate_map(tmp_path / "missing.map")


@pytest.mark.parametrize(
    ("edges", "rate"),
    [
        ([0, 5], [1.0, 2.0]),
        ([0], []),
        ([0, 5, 5], [1.0, 2.0]),
        ([-1, 5], [1.0]),
        ([0, 5], [-1.0]),
        ([0, 5], [np.inf]),
    ],
)
def test_arrays_that_are_no_map_are_refused(edges, rate):
    with pytest.raises(ValueError, match=r"`edges` must|`rate` must"):
        RateMap("chr1", edges, rate)


@st.composite
def maps(draw):
    edges = draw(st.lists(st.integers(0, 60), min_size=2, max_size=9, unique=True))
    rate = draw(st.lists(st.floats(0, 99), min_size=8, max_size=8))
    return RateMap("chr1", sorted(edges), rate[: len(edges) - 1])


def per_base(rate_map, bases=64):
    """The rate at each base, `nan` off the map."""
    rates = np.full(bases, np.nan)
    for start, end, rate in zip(
        rate_map.start, rate_map.end, rate_map.rate, strict=True
    ):
        rates[start:end] = rate
    return rates


@given(rate_map=maps(), start=st.integers(0, 60), width=st.integers(1, 63))
def test_the_mean_rate_is_that_of_the_bases(rate_map, start, width):
    end = min(start + width, 64)
    expected = np.nan_to_num(per_base(rate_map))[start:end].mean()
    found = rate_map.mean_rate(np.array([start]), np.array([end]))
    np.testing.assert_allclose(found, [expected], rtol=1e-9, atol=1e-9)


@given(rate_map=maps(), start=st.integers(0, 60), width=st.integers(1, 63))
def test_a_window_has_the_rates_of_its_bases(rate_map, start, width):
    end = min(start + width, 64)
    expected = per_base(rate_map)[start:end]
    if np.isnan(expected).all():
        with pytest.raises(ValueError, match=rf"Received: {start} to {end}"):
            rate_map.window(start, end)
        return
    found = rate_map.window(start, end)
    np.testing.assert_array_equal(per_base(found, end - start), expected)


@pytest.mark.parametrize("chrom", ["21", "22"])
def test_rate_and_map_of_a_real_file_agree(shared_data, chrom, tmp_path):
    path = shared_data / f"hapmap2_GRCh37_chr{chrom}.txt.gz"
    by_rate = read_rate_map(path)[f"chr{chrom}"]
    text = gzip.decompress(path.read_bytes()).decode()
    (tmp_path / "map").write_text(text.replace("Rate(cM/Mb)", "other"))
    by_map = read_rate_map(tmp_path / "map")[f"chr{chrom}"]
    np.testing.assert_array_equal(by_rate.edges, by_map.edges)
    # Maps have six decimals: half a unit in the last at each end, in 1e6 bases.
    width = by_rate.end - by_rate.start
    rounding = 2 * 0.5e-6 * 1e6 / width + 0.5e-6
    assert (np.abs(by_rate.rate - by_map.rate) <= 1.001 * rounding).all()


def test_the_real_maps_of_both_layouts_are_one_map(shared_data):
    hapmap = read_rate_map(shared_data / "hapmap2_GRCh37_chr22.txt.gz")["chr22"]
    lifted = read_rate_map(shared_data / "glimpse_chr22.b38.gmap.gz")["22"]
    # Lifting moves stretches but hardly changes their rates.
    quantiles = np.linspace(0.1, 0.99, 20)
    np.testing.assert_allclose(
        np.quantile(hapmap.rate, quantiles),
        np.quantile(lifted.rate, quantiles),
        rtol=0.05,
    )
    assert (len(hapmap), len(lifted)) == (45_328, 45_140)
