import itertools

import numpy as np
import pytest

from rckeras.datasets.hotspot_model import HotspotModel, train_hotspot_model
from rckeras.datasets.hotspot_search import find_hotspots
from rckeras.datasets.hotspots import load_hotspots
from rckeras.io.genome import Genome
from rckeras.io.rate_map import RateMap, read_rate_map
from rckeras.sequence import codes_to_letters

MODEL = HotspotModel(0.3, 20.0, ((0.95, 0.05), (0.4, 0.6)))
SMALL = {
    "length": 50,
    "max_length": 400,
    "search": 1500,
    "gc_tolerance": 0.02,
    "max_cold_rate": 0.3,
    "model": MODEL,
}


def write_genome(path, chromosomes):
    """A FASTA file; each chromosome is given by its letters."""
    lines = [
        f">{name}\n"
        + "".join(f"{letters[i : i + 60]}\n" for i in range(0, len(letters), 60))
        for name, letters in chromosomes.items()
    ]
    path.write_text("".join(lines))
    return path


def random_letters(bases, rng):
    """Letters whose GC content drifts, with some N and lower case."""
    share = 0.2 + 0.6 * np.repeat(rng.random(bases // 500 + 1), 500)[:bases]
    strong = rng.random(bases) < share
    letters = np.where(strong, rng.choice(list("GCgc"), bases), "A")
    letters = np.where(strong | (rng.random(bases) < 0.5), letters, "t")
    for start in rng.integers(0, bases - 60, bases // 4000):
        letters[start : start + 60] = "N"
    return "".join(letters)


def random_map(chrom, bases, rng):
    """Stretches of 40 bases on average, a few of them hot."""
    edges = np.unique(rng.integers(0, bases, bases // 40))
    hot = rng.random(len(edges) - 1) < 0.1
    hot |= np.roll(hot, 1)
    rates = rng.exponential(np.where(hot, 25.0, 0.25))
    return RateMap(chrom, edges, rates)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A genome of two chromosomes and its maps, which call them otherwise."""
    rng = np.random.default_rng(0)
    letters = {"chr2": random_letters(40_000, rng), "chr1": random_letters(60_000, rng)}
    path = write_genome(tmp_path_factory.mktemp("genome") / "genome.fa", letters)
    return [random_map("1", 60_000, rng), random_map("2", 40_000, rng)], path


@pytest.fixture(scope="module")
def dataset(world):
    return load_hotspots(*world, **SMALL, splits=None)


def records(dataset):
    """Rows as dictionaries, by name."""
    keys = list(dataset.columns)
    rows = zip(*(dataset.columns[key].tolist() for key in keys), strict=True)
    found = [dict(zip(keys, row, strict=True)) for row in rows]
    assert len({row["name"] for row in found}) == len(found)
    return {
        row["name"]: {**row, "label": int(label), "letters": codes_to_letters(codes)}
        for row, label, codes in zip(
            found, dataset.labels[:, 0], dataset.sequences, strict=True
        )
    }


@pytest.fixture(scope="module")
def lifted(shared_data):
    """Real maps on GRCh38, by chromosome, and the model trained on them."""
    maps = {
        name: read_rate_map(shared_data / f"glimpse_chr{name}.b38.gmap.gz")[name]
        for name in ("1", "22")
    }
    return maps, train_hotspot_model(maps.values())


def pairs(dataset):
    rows = records(dataset)
    for name, row in rows.items():
        if name.startswith("coldspot"):
            yield rows[name.replace("cold", "hot")], row


def gc_content(letters):
    return sum(letter in "GC" for letter in letters) / len(letters)


def gc_difference(one, other):
    return abs(gc_content(one) - gc_content(other))


def fits(letters, hotspot, start, width, rates, taken, rules):
    """Whether a coldspot of a hotspot may start at a base, step by step."""
    end = start + width
    sequence = letters[start:end]
    return (
        abs(start - hotspot["start"]) <= rules["search"]
        and len(sequence) == width
        and "N" not in sequence
        and gc_difference(sequence, hotspot["letters"]) <= rules["gc_tolerance"] + 1e-9
        and bool((rates[start:end] < rules["max_cold_rate"]).all())
        and not any(start < high and low < end for low, high in taken)
    )


def nearest_first(place, search, last):
    starts = range(max(place - search, 0), min(place + search, last) + 1)
    return sorted(starts, key=lambda start: (abs(start - place), start))


def per_base(rate_map, bases):
    """Rate of each base; off the map no rate is below another."""
    rates = np.full(bases, np.inf)
    for start, end, rate in zip(
        rate_map.start, rate_map.end, rate_map.rate, strict=True
    ):
        rates[start:end] = rate
    return rates


def test_each_coldspot_is_the_nearest_that_fits(world, dataset):
    maps, path = world
    by_chrom = {f"chr{each.chrom}": each for each in maps}
    rows = records(dataset)
    with Genome(path) as genome:
        for chrom, rate_map in by_chrom.items():
            letters = genome.fetch(chrom, 0, genome.length(chrom)).upper()
            rates = per_base(rate_map, len(letters))
            found = find_hotspots(rate_map, MODEL)
            taken = list(zip(found.start.tolist(), found.end.tolist(), strict=True))
            here = [row for row in rows.values() if row["chrom"] == chrom]
            hot = [row for row in here if row["label"]]
            taken += [(row["start"], row["end"]) for row in hot]
            assert len(hot) > 20
            for row in hot:
                near = nearest_first(row["start"], 1500, len(letters) - 50)
                expected = next(
                    (s for s in near if fits(letters, row, s, 50, rates, taken, SMALL)),
                    None,
                )
                coldspot = rows.get(row["name"].replace("hot", "cold"))
                assert (coldspot and coldspot["start"]) == expected
                if coldspot:
                    taken.append((coldspot["start"], coldspot["end"]))


def test_hotspots_are_the_centres_of_short_runs_without_n(world, dataset):
    maps, path = world
    expected, found_in_all = [], 0
    with Genome(path) as genome:
        for rate_map in (maps[1], maps[0]):  # the genome has chr2 first
            chrom = f"chr{rate_map.chrom}"
            hot = MODEL.segment(rate_map.rate).tolist()
            steps = zip(hot, rate_map.start, rate_map.end, strict=True)
            for is_hot, run in itertools.groupby(steps, lambda step: step[0]):
                _, starts, ends = zip(*run, strict=True)
                start, end = starts[0], ends[-1]
                found_in_all += is_hot
                low = (start + end - 50) // 2
                if is_hot and end - start < 400 and low >= 0:
                    if low + 50 > genome.length(chrom):
                        continue
                    if "N" not in genome.fetch(chrom, low, low + 50):
                        expected.append((chrom, low))
    rows = [row for row in records(dataset).values() if row["label"]]
    assert [(row["chrom"], row["start"]) for row in rows] == expected
    counts = dataset.notes["hotspots"]
    assert (counts["found"], counts["kept"]) == (found_in_all, len(expected))


def test_the_counts_of_the_notes_sum_up(dataset):
    counts = dataset.notes["hotspots"]
    dropped = counts["too_long"], counts["off_chromosome"], counts["with_n"]
    assert counts["found"] - sum(dropped) == counts["kept"]
    assert min(counts["too_long"], counts["with_n"], counts["without_coldspot"]) > 0
    labels = dataset.labels[:, 0]
    assert counts["kept"] == (labels == 1).sum()
    assert counts["without_coldspot"] == (labels == 1).sum() - (labels == 0).sum()


def test_rows_have_the_letters_and_the_rate_of_their_places(world, dataset):
    maps, path = world
    by_chrom = {f"chr{each.chrom}": each for each in maps}
    with Genome(path) as genome:
        for row in records(dataset).values():
            place = row["chrom"], row["start"], row["end"]
            assert row["end"] - row["start"] == 50
            assert row["letters"] == genome.fetch(*place).upper()
            rates = per_base(by_chrom[row["chrom"]], 60_000)[row["start"] : row["end"]]
            rates = np.where(np.isinf(rates), 0, rates)
            assert row["rate"] == pytest.approx(rates.mean(), abs=1e-9)


def test_each_hotspot_stands_before_its_coldspot(dataset):
    names = dataset.columns["name"].tolist()
    for before, name in itertools.pairwise(names):
        if name.startswith("coldspot"):
            assert before == name.replace("cold", "hot")
    hot = [name for name in names if name.startswith("hotspot")]
    assert hot == [f"hotspot{number}" for number in range(1, len(hot) + 1)]


def test_the_same_seed_gives_the_same_dataset(world):
    one, two, other = (load_hotspots(*world, **SMALL, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.sequences, two.sequences)
    np.testing.assert_array_equal(one.splits, two.splits)
    np.testing.assert_array_equal(one.sequences, other.sequences)
    assert (one.splits != other.splits).any()
    assert one.notes == two.notes


def test_the_test_is_a_tenth_of_what_validation_leaves(world):
    dataset = load_hotspots(*world, **SMALL)
    sizes = dataset.split_sizes()
    assert sizes["validation"] == pytest.approx(0.15 * len(dataset), abs=0.5)
    rest = len(dataset) - sizes["validation"]
    assert sizes["test"] == pytest.approx(0.1 * rest, abs=0.6)


def test_splits_by_chromosome_are_taken(world):
    dataset = load_hotspots(*world, **SMALL, splits={"test": "2"})
    on_2 = dataset.columns["chrom"] == "chr2"
    np.testing.assert_array_equal(dataset.splits == 2, on_2)


def test_without_a_model_it_is_trained_on_the_maps(world):
    maps, path = world
    options = {**SMALL, "model": None}
    for probability in (0.03, None):
        model = train_hotspot_model(maps, hot_probability=probability)
        dataset = load_hotspots(
            maps, path, **options, hot_probability=probability, splits=None
        )
        assert dataset.notes["model"] == model.as_dict()


def test_maps_are_read_from_files(world, tmp_path):
    maps, path = world
    files = []
    for rate_map in maps:
        rows = zip(rate_map.edges + 1, [*rate_map.rate.tolist(), 0.0], strict=True)
        lines = [f"{rate_map.chrom} {edge} {rate!r}\n" for edge, rate in rows]
        files.append(tmp_path / f"{rate_map.chrom}.map")
        files[-1].write_text("chr position rate\n" + "".join(lines))
    by_map = load_hotspots(maps, path, **SMALL)
    for sources in (files, [files[0], maps[1]]):
        found = load_hotspots(sources, path, **SMALL)
        np.testing.assert_array_equal(found.sequences, by_map.sequences)
    assert len(load_hotspots(files[1], path, **SMALL)) < len(by_map)


def test_a_chromosome_is_read_whole_in_blocks(world, dataset, monkeypatch):
    monkeypatch.setattr("rckeras.datasets.hotspots._BLOCK", 777)
    again = load_hotspots(*world, **SMALL, splits=None)
    np.testing.assert_array_equal(again.sequences, dataset.sequences)


def test_chromosomes_that_the_genome_lacks_are_left_out_and_listed(world, dataset):
    maps, path = world
    foreign = RateMap("chrX", [0, 500, 600], [0.1, 30.0])
    found = load_hotspots([foreign, *maps], path, **SMALL, splits=None)
    np.testing.assert_array_equal(found.sequences, dataset.sequences)
    assert found.notes["chromosomes_not_in_genome"] == ["chrX"]
    assert dataset.notes["chromosomes_not_in_genome"] == []


def test_maps_without_a_chromosome_of_the_genome_are_refused(world):
    foreign = RateMap("chrX", [0, 500, 600], [0.1, 30.0])
    message = r"no chromosome of the maps is in .*have chrX, the genome chr2, chr1$"
    with pytest.raises(ValueError, match=message):
        load_hotspots([foreign], world[1], **SMALL)


def test_a_map_of_another_assembly_is_refused_before_training(world, monkeypatch):
    def train(*args, **options):
        raise AssertionError

    monkeypatch.setattr("rckeras.datasets.hotspots.train_hotspot_model", train)
    maps, path = world
    longer = RateMap("2", [0, 500, 40_001], [0.1, 30.0])
    message = (
        r"^the `RateMap` is not of the assembly of .*genome\.fa: its map of chromosome "
        r"'2' reaches to base 40,001, but 'chr2' has 40,000 bases$"
    )
    with pytest.raises(ValueError, match=message):
        load_hotspots([maps[0], longer], path, **{**SMALL, "model": None})


def test_of_two_chromosomes_the_one_of_the_very_name_is_taken(tmp_path):
    rate_map = RateMap("chr1", [0, 500, 520, 1000], [0.1, 30.0, 0.1])
    letters = "ACGT" * 250
    genome = write_genome(tmp_path / "two.fa", {"1": letters, "chr1": letters})
    dataset = load_hotspots([rate_map], genome, **SMALL, splits=None)
    assert set(dataset.columns["chrom"].tolist()) == {"chr1"}
    genome = write_genome(tmp_path / "odd.fa", {"1": letters, "CHR1": letters})
    with pytest.raises(ValueError, match=r"'chr1'\. Did you mean '1' or 'CHR1'"):
        load_hotspots([rate_map], genome, **SMALL, splits=None)


def test_two_maps_of_a_chromosome_are_refused(world):
    maps, path = world
    again = RateMap("chr1", [0, 500, 600], [0.1, 30.0])
    with pytest.raises(ValueError, match=r"different chromosomes.*'1' and 'chr1'"):
        load_hotspots([*maps, again], path, **SMALL)


def test_no_hotspot_left_is_an_error_with_the_reasons(tmp_path):
    genome = write_genome(tmp_path / "g.fa", {"chr1": "A" * 490 + "N" * 510})
    rate_map = RateMap("chr1", [0, 490, 520, 600, 1000], [0.1, 30.0, 0.1, 40.0])
    message = r"no hotspot is left of 2\. 1 are too long, 0 leave .*, 1 hold N$"
    with pytest.raises(ValueError, match=message):
        load_hotspots([rate_map], genome, **SMALL, splits=None)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("search", 49), ("gc_tolerance", 0.39), ("max_cold_rate", 0.1)],
)
def test_hotspots_without_any_coldspot_are_no_dataset(tmp_path, argument, value):
    letters = "A" * 500 + "C" * 20 + "A" * 500
    genome = write_genome(tmp_path / "g.fa", {"chr1": letters})
    rate_map = RateMap("chr1", [0, 500, 520, 1020], [0.1, 30.0, 0.1])
    rules = {**SMALL, "search": 50, "gc_tolerance": 0.4, "max_cold_rate": 0.2}
    dataset = load_hotspots([rate_map], genome, **rules, splits=None)
    assert dataset.labels[:, 0].tolist() == [1, 0]
    message = rf"none of the 1 hotspots has a coldspot.*{value:g}\D.*`{argument}`"
    with pytest.raises(ValueError, match=message):
        load_hotspots([rate_map], genome, **{**rules, argument: value}, splits=None)


def test_a_rate_that_is_the_limit_is_not_cold(tmp_path):
    genome = write_genome(tmp_path / "g.fa", {"chr1": "AC" * 1000})
    # From 475 to 525 the hotspot; near it the rate is the limit, farther below it.
    rate_map = RateMap("chr1", [0, 300, 490, 510, 2000], [0.29, 0.3, 30.0, 0.3])
    dataset = load_hotspots([rate_map], genome, **SMALL, splits=None)
    assert dataset.columns["start"].tolist() == [475, 250]


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("search", [300, 700])  # the search widens from 400 bases
def test_a_coldspot_may_start_at_the_very_end_of_the_search(tmp_path, side, search):
    genome = write_genome(tmp_path / "g.fa", {"chr1": "AC" * 1000})
    hotspot = 975
    start = hotspot + side * search
    inner = [start, start + 50, 990, 1010]
    edges = np.array([0, *sorted(inner), 2000])
    rates = np.where(edges[:-1] == start, 0.1, 1.0)
    rates[edges[:-1] == 990] = 30.0
    rate_map = RateMap("chr1", edges, rates)
    rules = {**SMALL, "search": search}
    dataset = load_hotspots([rate_map], genome, **rules, splits=None)
    assert dataset.columns["start"].tolist() == [hotspot, start]
    with pytest.raises(ValueError, match="has a coldspot"):
        load_hotspots(
            [rate_map], genome, **{**rules, "search": search - 1}, splits=None
        )


def test_no_coldspot_lies_in_a_cold_stretch_inside_a_hotspot(tmp_path):
    genome = write_genome(tmp_path / "g.fa", {"chr1": "AC" * 1000})
    rate_map = RateMap(
        "chr1",
        [0, 500, 800, 1000, 1100, 1200, 1300, 1500, 1800, 2000],
        [0.1, 0.1, 0.1, 60.0, 0.1, 60.0, 0.1, 0.1, 0.1],
    )
    sticky = HotspotModel(0.3, 20.0, ((0.99, 0.01), (0.01, 0.99)))
    rules = {**SMALL, "length": 20, "model": sticky}
    dataset = load_hotspots([rate_map], genome, **rules, splits=None)
    assert dataset.columns["start"].tolist() == [1140, 980]


def test_a_sequence_off_the_chromosome_is_dropped(tmp_path):
    genome = write_genome(tmp_path / "g.fa", {"chr1": "ACGT" * 250})
    rate_map = RateMap(
        "chr1", [0, 20, 500, 520, 980, 1000], [30.0, 0.1, 30.0, 0.1, 30.0]
    )
    dataset = load_hotspots([rate_map], genome, **SMALL, splits=None)
    assert dataset.columns["start"].tolist() == [485, 434]  # as near as 536
    assert dataset.notes["hotspots"]["off_chromosome"] == 2


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("length", 0),
        ("max_length", 0),
        ("search", -1),
        ("gc_tolerance", -0.1),
        ("max_cold_rate", float("nan")),
    ],
)
def test_an_argument_out_of_range_is_named(world, argument, value):
    with pytest.raises(ValueError, match=rf"`{argument}` must be.*Received: {value}"):
        load_hotspots(*world, **{**SMALL, argument: value})


def test_splits_are_checked_before_any_work(tmp_path):
    with pytest.raises(ValueError, match="`splits`"):
        load_hotspots(tmp_path / "no.map", tmp_path / "no.fa", splits={"tset": "8"})


@pytest.fixture
def no_search(monkeypatch):
    """The search, which must not be reached."""

    def search(*args, **options):
        raise AssertionError

    monkeypatch.setattr("rckeras.datasets.hotspots.search_chromosome", search)


@pytest.mark.parametrize("model", [MODEL, None], ids=["given", "trained"])
def test_chromosomes_of_no_map_are_refused_before_the_work(
    world, no_search, monkeypatch, model
):
    monkeypatch.setattr("rckeras.datasets.hotspots.train_hotspot_model", None)
    for splits in ({"test": "8"}, {"train": ["1", "2"], "test": "*"}):
        with pytest.raises(ValueError, match=r"(8'|other).*are on chr1, chr2"):
            load_hotspots(*world, **{**SMALL, "model": model}, splits=splits)


def test_a_chromosome_without_hotspots_is_no_split(world, no_search):
    maps, path = world
    flat = RateMap("2", [0, 500, 600], [0.1, 0.2])
    with pytest.raises(ValueError, match=r"'chr2' to 'test'.* are on chr1$"):
        load_hotspots([maps[0], flat], path, **SMALL, splits={"test": "chr2"})


def test_shares_of_nothing_are_refused_before_the_search(world, no_search):
    with pytest.raises(ValueError, match=r"`test` must come to .*: 1e-05 of \d+"):
        load_hotspots(*world, **SMALL, splits={"test": 1e-5})


@pytest.mark.parametrize("seed", [-1, 0.5, "x"])
def test_a_bad_seed_is_refused_before_any_work(tmp_path, seed):
    with pytest.raises(ValueError, match=f"`seed` must be.*Received: {seed!r}"):
        load_hotspots(tmp_path / "no.map", tmp_path / "no.fa", seed=seed)


def test_no_maps_are_refused(world):
    with pytest.raises(ValueError, match=r"`maps` must hold a map.*Received: none"):
        load_hotspots([], world[1])


@pytest.mark.parametrize(
    ("names", "length", "rate", "bounds"),
    [
        # The paper: 2,448 bases and 10.5 cM/Mb in the whole genome.
        (["glimpse_chr1.b38.gmap", "glimpse_chr22.b38.gmap"], 2365, 10.3, (10, 11)),
        # Alone they recombine more than the genome, 1.7 and 2.1 cM/Mb to 1.2.
        (
            ["hapmap2_GRCh37_chr21.txt", "hapmap2_GRCh37_chr22.txt"],
            2560,
            15.5,
            (10, 16),
        ),
    ],
)
def test_real_hotspots_are_like_the_published_ones(
    shared_data, names, length, rate, bounds
):
    maps = [
        rate_map
        for name in names
        for rate_map in read_rate_map(shared_data / f"{name}.gz").values()
    ]
    model = train_hotspot_model(maps)
    found = [find_hotspots(rate_map, model) for rate_map in maps]
    lengths = np.concatenate([spots.end - spots.start for spots in found])
    rates = np.concatenate([spots.rate for spots in found])
    assert np.median(lengths) == pytest.approx(length, rel=0.01)
    assert np.median(lengths) == pytest.approx(2448, rel=0.06)
    assert np.median(rates) == pytest.approx(rate, rel=0.01)
    assert bounds[0] < np.median(rates) < bounds[1]
    # Heavy tail up to around 20 kb.
    assert 8_000 < np.quantile(lengths, 0.95) < 20_000


def test_real_sequence_gives_hotspots_with_their_coldspots(shared_data, lifted):
    maps, model = lifted
    piece = maps["22"].window(32_000_000, 32_300_000)
    path = shared_data / "hg38_chr22_32000000_32300000.fa"
    dataset = load_hotspots([piece], path, model=model, splits=None)
    found = list(pairs(dataset))
    assert len(found) == dataset.notes["hotspots"]["kept"] == 4
    for hotspot, coldspot in found:
        assert abs(hotspot["start"] - coldspot["start"]) <= 300_000
        assert gc_difference(hotspot["letters"], coldspot["letters"]) <= 0.1 + 1e-9
        assert coldspot["rate"] < 0.5 < hotspot["rate"]
        assert len(coldspot["letters"]) == 1000
    with Genome(path) as genome:
        for row in records(dataset).values():
            place = row["chrom"], row["start"], row["end"]
            assert row["letters"] == genome.fetch(*place).upper()


def test_the_start_of_chromosome_1_has_no_strong_hotspot(shared_data, lifted):
    maps, model = lifted
    path = shared_data / "hg38_chr1_first1Mb.fa.gz"
    piece = maps["1"].window(0, 1_000_000)
    with pytest.raises(ValueError, match=r"no hotspot is left of 0\."):
        load_hotspots([piece], path, model=model, splits=None)
    weak = train_hotspot_model(maps.values(), hot_probability=None)
    dataset = load_hotspots([piece], path, model=weak, max_length=300_000, splits=None)
    ((hotspot, coldspot),) = pairs(dataset)
    assert coldspot["rate"] < 0.5 < hotspot["rate"] < 5
    assert gc_difference(hotspot["letters"], coldspot["letters"]) <= 0.1 + 1e-9


def test_a_real_map_of_another_assembly_is_refused(shared_data):
    path = shared_data / "hg38_chr22_32000000_32300000.fa"
    message = r"^.*b38\.gmap\.gz is not of the assembly of .*: .* has 300,0\d\d bases"
    with pytest.raises(ValueError, match=message):
        load_hotspots(shared_data / "glimpse_chr22.b38.gmap.gz", path)
