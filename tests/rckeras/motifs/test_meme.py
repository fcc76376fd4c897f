import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.motifs.meme import read_jaspar, read_meme, write_jaspar, write_meme
from rckeras.motifs.motif import Motif

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies (from uniform background):
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA1.1 two words
letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
  0.5\t0.5\t0\t0
 0 0 0.25 0.75

URL http://example.org

MOTIF lone

letter-probability matrix: alength= 4
0.1 0.2 0.3 0.4
"""
JASPAR = """>MA1.1 two words
A  [ 10  0 ]
C  [ 10  0 ]
G  [  0  5 ]
T  [  0 15 ]
>lone
1
2
3
4
"""
FIRST, SECOND = [[0.5, 0.5, 0, 0], [0, 0, 0.25, 0.75]], [[0.1, 0.2, 0.3, 0.4]]
WRITINGS = {
    "plain": lambda text: text.encode(),
    "no last newline": lambda text: text.rstrip("\n").encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
}


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "some.motifs"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def drawn(length, seed, **kwargs):
    rows = np.random.default_rng(seed).dirichlet([0.3] * 4, length)
    return Motif(f"motif {seed}", rows, **kwargs)


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize(("read", "text"), [(read_meme, MEME), (read_jaspar, JASPAR)])
def test_the_same_motifs_are_read_from_every_writing(write, read, text, writing):
    first, second = read(write(WRITINGS[writing](text)))
    np.testing.assert_allclose(first.probabilities, FIRST, rtol=1e-12)
    np.testing.assert_allclose(first.counts, np.multiply(FIRST, 20), rtol=1e-12)
    np.testing.assert_allclose(second.probabilities, SECOND, rtol=1e-12)
    assert (first.matrix_id, first.name) == ("MA1.1", "two words")
    assert (second.matrix_id, second.name) == ("", "lone")


def test_motifs_without_a_line_between_them_are_told_apart(write):
    text = "MEME version 5\nMOTIF a\nletter-probability matrix:\n1 0 0 0\n0 1 0 0\n"
    text += "MOTIF b\nletter-probability matrix:\n0 0 0 1\n"
    assert [m.consensus for m in read_meme(write(text))] == ["AC", "T"]


@given(length=st.integers(1, 30), seed=st.integers(0, 2**32))
def test_what_is_written_as_meme_is_read_back(tmp_path_factory, length, seed):
    path = tmp_path_factory.mktemp("meme") / "some.meme"
    motif = drawn(length, seed, matrix_id="MA1.1")
    write_meme(path, [motif, None])
    [read] = read_meme(path)
    np.testing.assert_allclose(read.probabilities, motif.probabilities, atol=1e-9)
    assert (read.name, read.matrix_id) == (f"motif_{seed}", "MA1.1")


@given(length=st.integers(1, 30), seed=st.integers(0, 2**32))
def test_what_is_written_as_jaspar_is_read_back(tmp_path_factory, length, seed):
    path = tmp_path_factory.mktemp("jaspar") / "some.jaspar"
    counts = np.random.default_rng(seed).integers(1, 2000, (length, 4))
    motif = Motif.from_counts(f"motif {seed}", counts, "MA1.1")
    write_jaspar(path, [None, motif])
    [read] = read_jaspar(path)
    assert (read.counts == counts).all()
    assert (read.name, read.matrix_id) == (f"motif {seed}", "MA1.1")


def test_counts_survive_a_meme_file_as_probabilities_times_sites(tmp_path):
    motif = Motif.from_counts("one", [[27, 0, 0, 0], [1, 9, 0, 17]])
    write_meme(tmp_path / "one.meme", [motif])
    [read] = read_meme(tmp_path / "one.meme")
    np.testing.assert_allclose(read.counts, motif.counts, atol=1e-7)


def test_a_motif_without_counts_is_written_to_jaspar_as_of_a_hundred_sites(tmp_path):
    write_jaspar(tmp_path / "one.jaspar", [Motif("one", FIRST)])
    [read] = read_jaspar(tmp_path / "one.jaspar")
    np.testing.assert_allclose(read.counts, np.multiply(FIRST, 100), rtol=1e-12)


def test_biopython_reads_what_is_written(tmp_path):
    motifs = pytest.importorskip("Bio.motifs", reason="needs the extra `genome`")
    counts = np.random.default_rng(0).multinomial(2000, [0.1, 0.2, 0.3, 0.4], 9)
    ours = [Motif.from_counts("RUNX1", counts, "MA0002.2"), drawn(5, 1)]
    write_meme(tmp_path / "some.meme", ours)
    write_jaspar(tmp_path / "some.jaspar", ours)
    with (tmp_path / "some.meme").open() as file:
        theirs = motifs.parse(file, "minimal")
        assert [m.name for m in theirs] == ["MA0002.2", "motif_1"]
        assert theirs.background == dict.fromkeys("ACGT", 0.25)
        assert [theirs[0].counts[base] for base in "ACGT"] == counts.T.tolist()
        assert theirs[1].num_occurrences == 20
    with (tmp_path / "some.jaspar").open() as file:
        theirs = motifs.parse(file, "jaspar")
        assert (theirs[0].matrix_id, theirs[0].name) == ("MA0002.2", "RUNX1")
        assert [theirs[0].counts[base] for base in "ACGT"] == counts.T.tolist()


def test_biopython_writes_what_is_read(tmp_path):
    motifs = pytest.importorskip("Bio.motifs", reason="needs the extra `genome`")
    jaspar = pytest.importorskip("Bio.motifs.jaspar")
    counts = dict(zip("ACGT", ([3, 0], [1, 0], [0, 2], [0, 2]), strict=True))
    theirs = jaspar.Motif("MA9.1", "box", counts=counts, alphabet="ACGT")
    path = tmp_path / "some.jaspar"
    path.write_text(motifs.write([theirs], "jaspar"))
    [ours] = read_jaspar(path)
    assert (ours.matrix_id, ours.name) == ("MA9.1", "box")
    assert ours.counts.T.tolist() == list(counts.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1: a MEME file must start with 'MEME version'. Received: ''"),
        (JASPAR, r":1: a MEME file must start .* Received: '>MA1.1 two words'"),
        (MEME.replace("ACGT", "ACGU"), r":3: the alphabet must be ACGT.* 'ACGU'"),
        (MEME.split("MOTIF")[0], "the file must have a motif. Received: none"),
        (MEME.replace("MOTIF lone", "MOTIF"), r":17: a motif must have a name"),
        (MEME.replace("w= 2", "w= 3"), r":11: .* 3 rows of four .* Received: 2"),
        (MEME.replace("0.75", "x"), r":11: .* 2 rows of four numbers. Received: 1"),
        (MEME.replace("0.75", "0.95"), r":11: .* sum up to 1. .* 0.95\] in row 2"),
        (MEME.replace("0.75", "nan"), r":11: .* sum up to 1. .* nan\] in row 2"),
        (MEME[: MEME.rindex("letter")], r":17: a motif must .*matrix'.* for 'lone'"),
        (MEME[: MEME.rindex("0.1")], r":19: the matrix must have some rows .* 0"),
    ],
)
def test_a_broken_meme_file_is_refused_with_its_line(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_meme(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file must have a motif. Received: none"),
        (JASPAR.replace(">lone", ">"), r":6: a motif must have a name"),
        (JASPAR.replace("10  0", "10", 1), r":1: .* 4 lines of \[1, 2\] numbers"),
        (JASPAR.replace("5 ]", "x ]"), r":1: .* 4 lines of \[0, 2\] numbers"),
        (JASPAR.replace("\n4", ""), r":6: a motif must have four lines.* 3 lines of"),
        (JASPAR.replace("G ", "U "), r":1: .* those of A, C, G, T. Received: ACUT"),
    ],
)
def test_a_broken_jaspar_file_is_refused_with_its_line(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_jaspar(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("write_them", [write_meme, write_jaspar])
def test_a_file_without_motifs_is_not_written(tmp_path, write_them):
    with pytest.raises(ValueError, match="`motifs` must hold a motif"):
        write_them(tmp_path / "none", [None])
    assert not list(tmp_path.iterdir())


def test_a_published_collection_is_read_whole(shared_data):
    motifs = read_meme(shared_data / "jaspar_core_2016_vertebrates.meme")
    assert len(motifs) == len({motif.matrix_id for motif in motifs}) == 519
    assert (motifs[0].matrix_id, motifs[0].name) == ("MA0002.2", "RUNX1")
    assert motifs[0].consensus == "GTCTGTGGTTT"
    filters = read_meme(shared_data / "danq_filters.meme")
    assert [motif.matrix_id for motif in filters] == [f"M{i}" for i in range(320)]
    assert {len(motif) for motif in filters} == {26}


def test_a_position_without_counts_can_be_read_by_others(tmp_path):
    probabilities = np.array([[0.25, 0.25, 0.25, 0.25], [0.75, 0, 0, 0.25]])
    counts = np.array([[0, 0, 0, 0], [3, 0, 0, 1]])
    motif = Motif("edge", probabilities, counts=counts)
    write_jaspar(tmp_path / "edge.jaspar", [motif])
    (found,) = read_jaspar(tmp_path / "edge.jaspar")
    np.testing.assert_allclose(found.probabilities, motif.probabilities)
    bio = pytest.importorskip("Bio.motifs")
    with (tmp_path / "edge.jaspar").open() as file:
        (other,) = bio.parse(file, "jaspar")
    assert other.counts.normalize()["A"][0] == pytest.approx(0.25)
