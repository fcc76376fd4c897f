import csv
import gzip
import io
import sys

import h5py
import numpy as np
import pytest

from zoo.tables import FORMATS, Columns, check_output, open_table

KEYS = {"chrom": str, "start": int, "name": str}
ROWS = [
    ("chr1", 0, "plain"),
    ("chr1", 3_000_000_000, 'a "quoted" one'),
    ("chrX", 7, "comma, and space"),
    ("chrX", 8, '"leading'),
    ("chr2", 9, "größe"),
    ("chr2", 10, ""),
]
NUMBERS = np.array(
    [
        [0.1, 1 / 3],
        [1e-45, -0.0],
        [3.4e38, -1.1754944e-38],
        [np.inf, np.nan],
        [16777217, 0.99999994],
        [1, 0],
    ],
    "float32",
)


def write(path, format, statistics, arrays, targets=("CTCF", "MAX"), pieces=(1, 3, 6)):
    columns = Columns(KEYS, targets, statistics)
    with open_table(path, format, columns) as write_rows:
        for start, end in zip((0, *pieces), pieces, strict=False):
            write_rows(ROWS[start:end], [array[start:end] for array in arrays])


def read_text(text, delimiter, quoting):
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quoting)
    header, *rows = list(reader)
    keys = [(row[0], int(row[1]), row[2]) for row in rows]
    return header, keys, np.array([row[3:] for row in rows], "float32")


def read_parquet(path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(path)
    columns = [column.to_pylist() for column in table.columns]
    keys = list(zip(*columns[:3], strict=True))
    return table.column_names, keys, np.array(columns[3:], "float32").T


def read_arrays(path):
    """Arrays of either format by name, text as `str`."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    with h5py.File(path) as file:
        return {
            name: dataset.asstr()[:] if dataset.dtype.kind == "O" else dataset[:]
            for name, dataset in file.items()
        }


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    ("suffix", "delimiter", "quoting"),
    [("tsv", "\t", csv.QUOTE_NONE), ("csv", ",", csv.QUOTE_MINIMAL)],
)
def test_text_gives_back_keys_and_numbers(tmp_path, suffix, delimiter, quoting):
    path = tmp_path / f"table.{suffix}"
    write(path, suffix, {"predictions": ""}, [NUMBERS])
    text = path.read_bytes().decode()
    header, keys, numbers = read_text(text, delimiter, quoting)
    assert header == ["chrom", "start", "name", "CTCF", "MAX"]
    assert keys == ROWS
    assert same_bits(numbers, NUMBERS)
    assert "\r" not in text


def test_tab_separated_names_are_verbatim(tmp_path):
    path = tmp_path / "table.tsv"
    write(path, "tsv", {"predictions": ""}, [NUMBERS])
    cells = [line.split("\t")[2] for line in path.read_text().splitlines()[1:]]
    assert cells == [name for _, _, name in ROWS]


def test_parquet_gives_back_keys_and_numbers(tmp_path):
    path = tmp_path / "table.parquet"
    write(path, "parquet", {"predictions": ""}, [NUMBERS])
    header, keys, numbers = read_parquet(path)
    assert header == ["chrom", "start", "name", "CTCF", "MAX"]
    assert keys == ROWS
    assert same_bits(np.ascontiguousarray(numbers), NUMBERS)


@pytest.mark.parametrize("format", ["h5", "npz"])
def test_arrays_give_back_keys_and_numbers(tmp_path, format):
    path = tmp_path / f"table.{format}"
    write(path, format, {"predictions": ""}, [NUMBERS])
    arrays = read_arrays(path)
    assert set(arrays) == {"chrom", "start", "name", "targets", "predictions"}
    assert list(arrays["targets"]) == ["CTCF", "MAX"]
    keys = zip(arrays["chrom"], arrays["start"], arrays["name"], strict=True)
    assert list(keys) == ROWS
    assert same_bits(arrays["predictions"], NUMBERS)


@pytest.mark.parametrize("format", ["tsv", "parquet"])
def test_statistics_of_a_target_stand_side_by_side(tmp_path, format):
    path = tmp_path / f"table.{format}"
    statistics = {"predictions": "_mean", "std": "_std"}
    write(path, format, statistics, [NUMBERS, NUMBERS[::-1]])
    if format == "tsv":
        header, _, numbers = read_text(path.read_text(), "\t", csv.QUOTE_NONE)
    else:
        header, _, numbers = read_parquet(path)
    assert header[3:] == ["CTCF_mean", "CTCF_std", "MAX_mean", "MAX_std"]
    np.testing.assert_array_equal(numbers[:, ::2], NUMBERS)
    np.testing.assert_array_equal(numbers[:, 1::2], NUMBERS[::-1])


@pytest.mark.parametrize("format", ["h5", "npz"])
def test_each_statistic_is_an_array(tmp_path, format):
    path = tmp_path / f"table.{format}"
    statistics = {"predictions": "_mean", "std": "_std"}
    write(path, format, statistics, [NUMBERS, NUMBERS[::-1]])
    arrays = read_arrays(path)
    np.testing.assert_array_equal(arrays["predictions"], NUMBERS)
    np.testing.assert_array_equal(arrays["std"], NUMBERS[::-1])


def test_text_is_compressed_where_the_name_says_so(tmp_path):
    write(tmp_path / "plain.tsv", "tsv", {"predictions": ""}, [NUMBERS])
    write(tmp_path / "table.tsv.gz", "tsv", {"predictions": ""}, [NUMBERS])
    with gzip.open(tmp_path / "table.tsv.gz") as file:
        assert file.read() == (tmp_path / "plain.tsv").read_bytes()


def test_small_pieces_share_a_row_group(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "table.parquet"
    write(path, "parquet", {"predictions": ""}, [NUMBERS])
    assert parquet.ParquetFile(path).num_row_groups == 1


def test_a_row_group_is_bounded(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("zoo.tables._GROUP", 4)
    path = tmp_path / "table.parquet"
    write(path, "parquet", {"predictions": ""}, [NUMBERS], pieces=(1, 2, 3, 4, 5, 6))
    assert parquet.ParquetFile(path).num_row_groups == 3
    assert read_parquet(path)[1] == ROWS


def interrupt(path, format):
    """Write some rows and stop."""
    columns = Columns(KEYS, ("CTCF", "MAX"), {"predictions": ""})
    with open_table(path, format, columns) as write_rows:
        write_rows(ROWS, [NUMBERS])
        raise KeyboardInterrupt


@pytest.mark.parametrize("format", FORMATS)
def test_an_interrupted_table_leaves_nothing(tmp_path, format):
    with pytest.raises(KeyboardInterrupt):
        interrupt(tmp_path / f"table.{format}", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_an_interrupted_table_keeps_the_file_it_would_replace(tmp_path, format):
    path = tmp_path / f"table.{format}"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        interrupt(path, format)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unfinished_table_has_a_name_of_its_own(tmp_path):
    columns = Columns(KEYS, ("CTCF", "MAX"), {"predictions": ""})
    neighbour = tmp_path / "table.tsv.part"
    neighbour.write_text("precious")
    with open_table(tmp_path / "table.tsv", "tsv", columns):
        assert not (tmp_path / "table.tsv").exists()
        assert len(list(tmp_path.iterdir())) == 2
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["table.tsv", "table.tsv.part"]
    assert neighbour.read_text() == "precious"


@pytest.mark.parametrize("suffix", ["gz", "GZ"])
def test_a_suffix_counts_in_upper_case(tmp_path, suffix):
    path = tmp_path / f"table.tsv.{suffix}"
    write(path, check_output(path), {"predictions": ""}, [NUMBERS])
    with gzip.open(path, "rt") as file:
        assert file.readline().startswith("chrom\t")


def test_a_link_stays_a_link(tmp_path):
    link, target = tmp_path / "link.tsv", tmp_path / "there" / "table.tsv"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    write(link, "tsv", {"predictions": ""}, [NUMBERS])
    assert link.is_symlink()
    assert target.read_text().startswith("chrom\t")


@pytest.mark.parametrize("path", [None, "-"])
def test_the_standard_output_gets_the_same_text(tmp_path, capsys, path):
    write(tmp_path / "table.tsv", "tsv", {"predictions": ""}, [NUMBERS])
    write(path, check_output(path), {"predictions": ""}, [NUMBERS])
    assert capsys.readouterr().out == (tmp_path / "table.tsv").read_text()
    assert not sys.stdout.closed


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.tsv", "tsv"),
        ("a.txt", "tsv"),
        ("a.TSV", "tsv"),
        ("a.tsv.gz", "tsv"),
        ("a.csv", "csv"),
        ("a.csv.gz", "csv"),
        ("a.h5", "h5"),
        ("a.hdf5", "h5"),
        ("a.npz", "npz"),
    ],
)
def test_the_suffix_tells_the_format(tmp_path, name, format):
    assert check_output(tmp_path / name) == format


def test_a_format_given_overrules_the_suffix(tmp_path):
    assert check_output(tmp_path / "a.txt", "csv") == "csv"
    assert check_output(tmp_path / "a.dat", "npz") == "npz"


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .*\.tsv.*Received: '.*a\.xlsx'"):
        check_output(tmp_path / "a.xlsx")


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"one of tsv, .*Received: 'xlsx'"):
        check_output(tmp_path / "a.tsv", "xlsx")


@pytest.mark.parametrize("format", ["parquet", "h5", "npz"])
def test_arrays_do_not_go_to_the_standard_output(format):
    with pytest.raises(ValueError, match=f"{format!r} cannot go to the standard"):
        check_output(None, format)


def test_an_existing_file_is_refused_unless_told(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("old")
    with pytest.raises(FileExistsError, match=r"a\.tsv exists already.*--force"):
        check_output(path)
    assert check_output(path, overwrite=True) == "tsv"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        check_output(tmp_path / "nowhere" / "a.tsv")


@pytest.mark.parametrize("path", ["/dev/null", "."])
def test_what_is_no_file_is_not_replaced(path):
    with pytest.raises(ValueError, match="must be a file"):
        check_output(path, "tsv", overwrite=True)


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "rckeras\[parquet\]"'):
        check_output(tmp_path / "a.parquet")


@pytest.mark.parametrize("targets", [("a", "a"), ("name",), ("a\tb",), ("a\nb",)])
def test_column_names_that_would_confuse_are_refused(targets):
    with pytest.raises(ValueError, match="`targets` must be unique"):
        Columns(KEYS, targets, {"predictions": ""})
