import builtins
import gzip
import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.io.fasta import read_fasta
from rckeras.io.genome import Genome

pyfaidx = pytest.importorskip("pyfaidx", reason="needs the extra `genome`")

LETTERS = "ACGTNacgtnRYK"
SMALL = {"chr1": "ACGTTTaaccGGNNRA", "chr2": "TTTTGGGGCA", "chrM": "GATTACA"}
COMPLEMENT = dict(zip("ACGTNRYacgtn", "TGCANYRtgcan", strict=True))


def fasta(chromosomes, width=5, end="\n"):
    """The text of a FASTA file, `width` letters a line."""
    lines = []
    for name, letters in chromosomes.items():
        lines.append(f">{name} assembly 1")
        lines += [letters[i : i + width] for i in range(0, len(letters), width)]
    return end.join(lines) + end


def write_bgzip(path, text):
    """Blocks end anywhere, as in real files, here after 7 bytes."""
    bgzf = pytest.importorskip("Bio.bgzf", reason="needs the extra `genome`")
    with bgzf.BgzfWriter(path, "wb") as file:
        for start in range(0, len(text), 7):
            file.write(text[start : start + 7].encode())
            file.flush()


def write_plain(path, text):
    path.write_bytes(text.encode())


@pytest.fixture(params=["small.fa", "small.fa.gz"])
def small(request, tmp_path):
    """A small genome, plain and compressed by bgzip."""
    path = tmp_path / "genome" / request.param
    path.parent.mkdir()
    write = write_bgzip if path.suffix == ".gz" else write_plain
    write(path, fasta(SMALL))
    return path


@pytest.fixture
def plain(tmp_path):
    """A small genome, plain."""
    path = tmp_path / "plain.fa"
    write_plain(path, fasta(SMALL))
    return path


@pytest.fixture
def unwritable(monkeypatch, tmp_path):
    """Makes every folder look unwritable; returns the one of temporary files.

    Permissions would not do: whoever runs the tests may be free to write anywhere.
    """
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


every_index = pytest.mark.parametrize(
    ("small", "suffix"),
    [("small.fa", ".fai"), ("small.fa.gz", ".fai"), ("small.fa.gz", ".gzi")],
    indirect=["small"],
)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_interval_is_the_slice_of_its_chromosome(small):
    with Genome(small) as genome:
        for name, letters in SMALL.items():
            for start in range(len(letters)):
                for end in range(start + 1, len(letters) + 1):
                    assert genome.fetch(name, start, end) == letters[start:end]


@settings(max_examples=40, deadline=None)
@given(
    chromosomes=st.dictionaries(
        st.sampled_from(["chr1", "chr2", "X", "scaffold_7.1"]),
        st.text(LETTERS, min_size=1, max_size=40),
        min_size=1,
    ),
    width=st.integers(1, 50),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    data=st.data(),
)
def test_lines_of_any_width_and_end_do_not_show(
    tmp_path_factory, chromosomes, width, end, last, data
):
    path = tmp_path_factory.mktemp("genome") / "any.fa"
    text = fasta(chromosomes, width, end)
    write_plain(path, text if last else text.rstrip())
    name = data.draw(st.sampled_from(sorted(chromosomes)))
    start = data.draw(st.integers(0, len(chromosomes[name]) - 1))
    stop = data.draw(st.integers(start + 1, len(chromosomes[name])))
    with Genome(path) as genome:
        assert genome.fetch(name, start, stop) == chromosomes[name][start:stop]
        assert genome.lengths == {name: len(seq) for name, seq in chromosomes.items()}


def test_the_minus_strand_is_the_reverse_complement(small):
    with Genome(small) as genome:
        expected = "".join(COMPLEMENT[letter] for letter in reversed(SMALL["chr1"]))
        assert genome.fetch("chr1", 0, 16, strand="-") == expected
        assert genome.fetch("chr1", 0, 6, strand="-") == expected[-6:]


def test_an_unknown_strand_is_read_as_the_plus_strand(small):
    with Genome(small) as genome:
        assert genome.fetch("chr1", 2, 9, strand=".") == SMALL["chr1"][2:9]


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (-3, 4, "NNNTTTT"),
        (8, 12, "CANN"),
        (-1, 11, "NTTTTGGGGCAN"),
        (10, 12, "NN"),
        (-5, 0, "NNNNN"),
        (30, 33, "NNN"),
        (2, 5, "TTG"),
    ],
)
def test_padding_fills_with_n_off_the_ends(small, start, end, expected, strand):
    if strand == "-":
        expected = "".join(COMPLEMENT[letter] for letter in reversed(expected))
    with Genome(small) as genome:
        assert genome.fetch("chr2", start, end, strand, pad=True) == expected


@pytest.mark.parametrize(("start", "end"), [(-1, 4), (5, 11), (10, 11), (-3, -1)])
def test_an_interval_off_the_end_is_refused_with_the_length(small, start, end):
    with (
        Genome(small) as genome,
        pytest.raises(ValueError, match=f"chr2:{start}-{end} .* 10 bases"),
    ):
        genome.fetch("chr2", start, end)


@pytest.mark.parametrize(("start", "end"), [(4, 4), (5, 4)])
def test_an_interval_without_bases_is_refused(small, start, end):
    with (
        Genome(small) as genome,
        pytest.raises(ValueError, match=f"start={start}, end={end}"),
    ):
        genome.fetch("chr2", start, end, pad=True)


def test_numpy_integers_are_positions_and_floats_are_not(small):
    with Genome(small) as genome:
        assert genome.fetch("chr2", np.int64(3), np.uint8(6)) == "TGG"
        with pytest.raises(TypeError, match="'float' object cannot be interpreted"):
            genome.fetch("chr2", 3.0, 6)


def test_another_strand_is_refused(small):
    with Genome(small) as genome, pytest.raises(ValueError, match="Received: '1'"):
        genome.fetch("chr2", 3, 6, strand="1")


def test_lengths_are_in_the_order_of_the_file(small):
    with Genome(small) as genome:
        assert list(genome.lengths.items()) == [("chr1", 16), ("chr2", 10), ("chrM", 7)]


@pytest.mark.parametrize(
    ("names", "asked", "found"),
    [
        (["chr1", "chrM"], "1", "chr1"),
        (["chr1", "chrM"], "MT", "chrM"),
        (["chr1", "chrM"], "M", "chrM"),
        (["chr1", "chrM"], "chrMT", "chrM"),
        (["1", "MT"], "chr1", "1"),
        (["1", "MT"], "chrM", "MT"),
        (["Chr1", "Chr11"], "chr1", "Chr1"),
        (["chr1", "1"], "1", "1"),
        (["chr1", "1"], "chr1", "chr1"),
    ],
)
def test_names_of_other_databases_are_understood(tmp_path, names, asked, found):
    path = tmp_path / "named.fa"
    # Each chromosome is of its own length, so that the length tells them apart.
    chromosomes = {name: "A" * (i + 1) for i, name in enumerate(names)}
    write_plain(path, fasta(chromosomes))
    with Genome(path) as genome:
        fetched = genome.fetch(asked, 0, 9, pad=True).rstrip("N")
    assert fetched == chromosomes[found]


def test_a_name_of_two_meanings_is_refused_with_both(tmp_path):
    path = tmp_path / "named.fa"
    write_plain(path, fasta({"chr1": "A", "1": "C"}))
    with (
        Genome(path) as genome,
        pytest.raises(ValueError, match=r"'Chr1'\. Did you mean 'chr1' or '1'\?"),
    ):
        genome.fetch("Chr1", 0, 1)


def test_an_unknown_chromosome_is_refused_with_near_names(plain):
    with Genome(plain) as genome, pytest.raises(ValueError, match="'chrm'") as error:
        genome.fetch("chrm", 0, 1)
    assert "Did you mean 'chrM'" in str(error.value)
    assert str(error.value).endswith("The file holds 3: chr1, chr2, chrM")


def test_the_list_of_chromosomes_is_cut_short(tmp_path):
    path = tmp_path / "many.fa"
    write_plain(path, fasta({f"scaffold{i}": "A" for i in range(100)}))
    with Genome(path) as genome, pytest.raises(ValueError, match="holds 100:") as error:
        genome.fetch("other", 0, 1)
    assert str(error.value).endswith("scaffold7, ...")


def test_the_index_is_written_beside_the_file(small):
    Genome(small).close()
    expected = [small.name, f"{small.name}.fai"]
    expected += [f"{small.name}.gzi"] * (small.suffix == ".gz")
    assert names_in(small.parent) == expected


def test_an_index_is_made_once_and_aside(small, monkeypatch):
    """So that another process never reads half of one."""
    build, made = pyfaidx.Faidx.build_index, []

    def recorded(faidx):
        made.append(faidx.indexname)
        build(faidx)

    monkeypatch.setattr(pyfaidx.Faidx, "build_index", recorded)
    Genome(small).close()
    (path,) = made
    assert Path(path).parent != small.parent


def test_an_index_that_is_current_is_used(plain):
    Genome(plain).close()
    index = plain.with_name("plain.fa.fai")
    index.write_text(index.read_text().replace("chr2", "changed"))
    with Genome(plain) as genome:
        assert list(genome.lengths) == ["chr1", "changed", "chrM"]


@every_index
def test_an_index_older_than_the_file_is_made_anew(small, suffix):
    Genome(small).close()
    index = small.with_name(small.name + suffix)
    before = index.read_bytes()
    index.write_bytes(b"")
    os.utime(index, (1, 1))
    with Genome(small) as genome:
        assert genome.fetch("chrM", 1, 6) == "ATTAC"
    assert index.read_bytes() == before


@every_index
@pytest.mark.parametrize("state", ["missing", "stale"])
def test_a_folder_that_cannot_be_written_is_left_as_it_is(
    small, suffix, unwritable, state
):
    with pytest.MonkeyPatch.context() as allowed:
        allowed.setattr(os, "access", lambda *_: True)
        Genome(small).close()
    index = small.with_name(small.name + suffix)
    if state == "missing":
        index.unlink()
    else:
        os.utime(index, (1, 1))
    before = {path: path.stat().st_mtime_ns for path in small.parent.iterdir()}
    for _ in range(2):
        with Genome(small) as genome:
            assert genome.fetch("chrM", 1, 6) == "ATTAC"
    assert {path: path.stat().st_mtime_ns for path in small.parent.iterdir()} == before
    (folder,) = unwritable.iterdir()
    assert {path.suffix for path in folder.iterdir()} <= {".fai", ".gzi"}


def test_an_index_among_temporary_files_is_used_again(plain, unwritable):
    Genome(plain).close()
    (index,) = unwritable.glob("*/*.fai")
    index.write_text(index.read_text().replace("chr2", "changed"))
    with Genome(plain) as genome:
        assert "changed" in genome.lengths


def test_an_index_among_temporary_files_is_of_one_version_of_the_file(
    plain, unwritable
):
    Genome(plain).close()
    write_plain(plain, fasta({"other": "ACGT"}))
    os.utime(plain, (1, 1))
    with Genome(plain) as genome:
        assert genome.lengths == {"other": 4}


def test_the_file_is_closed_at_the_end_of_the_block(plain):
    with Genome(plain) as genome:
        pass
    with pytest.raises(ValueError, match="closed"):
        genome.fetch("chr1", 0, 4)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.fa"):
        Genome(tmp_path / "missing.fa")


def test_plain_gzip_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "small.fa.gz"
    path.write_bytes(gzip.compress(fasta(SMALL).encode()))
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} .*bgzip"):
        Genome(path)


@pytest.mark.parametrize(
    ("name", "write", "state"),
    [
        ("small.fa", write_bgzip, "This one is compressed by bgzip"),
        ("small.fa.gz", write_plain, "This one is not compressed"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name, write, state):
    path = tmp_path / name
    write(path, fasta(SMALL))
    with pytest.raises(ValueError, match=state) as error:
        Genome(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "valid sequence"),
        ("no header\n", "before the first sequence definition"),
        (">a\nACGT\nAC\nACGT\n", "Inconsistent line found in >a at line 3"),
        (">a\nAC\n>a\nGT\n", 'Duplicate key "a"'),
    ],
)
def test_a_file_that_cannot_be_indexed_is_refused(tmp_path, text, reason):
    path = tmp_path / "bad.fa"
    write_plain(path, text)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}.*{reason}"):
        Genome(path)


@pytest.mark.parametrize(
    ("small", "missing"),
    [("small.fa", "pyfaidx"), ("small.fa.gz", "pyfaidx"), ("small.fa.gz", "Bio")],
    indirect=["small"],
)
def test_a_missing_package_is_named_with_its_extra(small, monkeypatch, missing):
    plain_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return plain_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=re.escape("rckeras[genome]")) as error:
        Genome(small)
    assert missing in str(error.value)


def test_a_real_genome_is_read_in_a_folder_that_cannot_be_written(
    shared_data, unwritable
):
    pytest.importorskip("Bio.bgzf", reason="needs the extra `genome`")
    path = shared_data / "hg38_chr1_first1Mb.fa.gz"
    (record,) = read_fasta(path)
    rng = np.random.default_rng(0)
    with Genome(path) as genome:
        assert genome.lengths == {"chr1": 1_000_000}
        assert genome.fetch("chr1", 0, 1_000_000) == record.sequence
        for start in rng.integers(0, 999_000, 200):
            end = start + rng.integers(1, 1000)
            assert genome.fetch("1", start, end) == record.sequence[start:end]


def test_a_real_genome_in_one_line_is_read(shared_data, tmp_path):
    path = tmp_path / "chr22.fa"
    shutil.copyfile(shared_data / "hg38_chr22_32000000_32300000.fa", path)
    (record,) = read_fasta(path)
    with Genome(path) as genome:
        assert genome.fetch("22", 123_456, 124_456) == record.sequence[123_456:124_456]


def test_the_length_of_a_chromosome_goes_by_any_of_its_names(plain):
    with Genome(plain) as genome:
        assert genome.length("chr1") == genome.length("1") == len(SMALL["chr1"])
        with pytest.raises(ValueError, match="'chr9'"):
            genome.length("chr9")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners and modes")
@pytest.mark.parametrize("how", ["open to all", "of another", "a link"])
def test_a_folder_that_others_could_have_filled_is_not_used(
    plain, unwritable, monkeypatch, how
):
    folder = unwritable / f"rckeras-index-{os.getuid() + (how == 'of another')}"
    if how == "a link":
        elsewhere = unwritable / "elsewhere"
        elsewhere.mkdir(mode=0o700)
        folder.symlink_to(elsewhere)
    else:
        folder.mkdir()
        folder.chmod(0o777 if how == "open to all" else 0o700)
    if how == "of another":
        user = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: user)
    with Genome(plain) as genome:
        assert genome.fetch("chr2", 0, 4) == "TTTT"
    assert list(folder.iterdir()) == []
