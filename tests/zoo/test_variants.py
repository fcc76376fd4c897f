"""Variants of VCF files, scored and written again."""

import gzip
import io
import sys

import keras
import numpy as np
import pytest

from rckeras.interpret.variants import score_variants
from rckeras.io import Genome, read_vcf
from rckeras.layers import MonteCarloDropout
from tests.zoo.test_prediction import build
from tuning import cli
from zoo.commands import variants as command
from zoo.prediction import open_model
from zoo.variants import VariantSummary, score_variants_file

pytest.importorskip("pyfaidx", reason="needs the extra `genome`")

CHROM = "ACGTTGCATGCCATTAGCAGTACGGATACCATG" * 4
HEADER = (
    "##fileformat=VCFv4.3\n"
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
    "##contig=<ID=chr1>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\n"
)


def record(position, alt, ref=None, chrom="chr1", rest="9\tPASS\tDP=3;DB\tGT\t0/1"):
    ref = CHROM[position - 1] if ref is None else ref
    return f"{chrom}\t{position}\trs{position}\t{ref}\t{alt}\t{rest}\n"


RECORDS = [
    record(80, "A,TT"),
    record(30, "<DEL>,G"),
    record(40, "*"),
    record(50, "T", ref="N"),
    record(60, "A", ref={"A": "C"}.get(CHROM[59], "A")),
    record(3, "T"),
    record(33, "."),
    record(10, "C", chrom="chrUn"),
    record(45, "C", rest=".\t.\t.\tGT\t./."),
]
REASONS = {
    "symbolic": 1,
    "spanning_deletion": 1,
    "reference_mismatch": 1,
    "edge": 1,
    "no_alternative": 1,
    "unknown_chromosome": 1,
}


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{CHROM}\n")
    return path


@pytest.fixture
def vcf(tmp_path):
    path = tmp_path / "in.vcf"
    path.write_text(HEADER + "".join(RECORDS))
    return path


@pytest.fixture
def score(model, genome, tmp_path):
    """Function from a VCF file to the lines of the output, if that is of lines."""

    def score(path, name="out.vcf", **options):
        output = tmp_path / name
        options = {"genome": genome, "overwrite": True, "strands": "mean", **options}
        score_variants_file(model, path, output, **options)
        if name.endswith((".npz", ".gz")):
            return None
        return output.read_bytes().decode().splitlines(keepends=True)

    return score


def infos(lines):
    """The INFO of each record, as a dictionary."""
    rows = [line.rstrip().split("\t")[7] for line in lines if line[0] != "#"]
    return [dict(item.partition("=")[::2] for item in row.split(";")) for row in rows]


def test_lines_stay_as_they_are_but_for_info(vcf, score):
    lines = score(vcf)
    given = vcf.read_text().splitlines(keepends=True)
    added = [line for line in lines if line.startswith("##INFO=<ID=RCK_")]
    assert len(added) == 2 + 2 * 2
    kept = [line for line in lines if line not in added]
    assert kept[:4] == given[:4]
    assert lines[3:-10] == added
    for old, new in zip(given[4:], kept[4:], strict=True):
        a, b = old.split("\t"), new.split("\t")
        assert a[:7] + a[8:] == b[:7] + b[8:]
        assert b[7].startswith("RCK_" if a[7] == "." else f"{a[7]};RCK_")


def test_scores_in_the_file_are_those_of_the_library(model, genome, vcf, score):
    with Genome(genome) as opened:
        effects = list(score_variants(model, read_vcf(vcf), opened))
    for info, old in zip(infos(score(vcf)), RECORDS, strict=True):
        mine = [e for e in effects if e.variant.name == old.split("\t")[2]]
        for key, name in (("LO", "log_odds"), ("DIFF", "difference")):
            for index in range(2):
                cells = info.get(f"RCK_{key}_target_{index}", "").split(",")
                expected = [getattr(e, name)[index] for e in mine]
                if all(e.reason for e in mine):
                    assert cells == [""]
                    continue
                found = [np.nan if c == "." else float(c) for c in cells]
                np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_reasons_stand_beside_the_alternatives(vcf, score):
    skipped = [info.get("RCK_SKIP") for info in infos(score(vcf))]
    assert skipped == [
        None,
        "symbolic,.",
        "spanning_deletion",
        None,
        "reference_mismatch",
        "edge",
        "no_alternative",
        "unknown_chromosome",
        None,
    ]


def test_the_summary_counts_everything(model, genome, vcf, tmp_path):
    found = score_variants_file(model, vcf, tmp_path / "out.vcf", genome=genome)
    assert found == VariantSummary(9, 5, 0, REASONS, "mean")
    assert str(found).startswith(
        "9 variants, 5 alternatives scored (mean probability of both strands), "
        "6 not scored: 1 symbolic, 1 "
    )


def test_padding_is_flagged_and_counted(model, genome, vcf, score, tmp_path):
    flags = ["RCK_PAD" in info for info in infos(score(vcf, fit="pad"))]
    assert flags == [False] * 5 + [True] + [False] * 3
    output = tmp_path / "padded.vcf"
    found = score_variants_file(model, vcf, output, genome=genome, fit="pad")
    assert (found.padded, found.scored) == (1, 6)
    assert "1 of them padded with N" in str(found)


def test_strict_names_the_first_that_has_no_scores(vcf, score, tmp_path):
    with pytest.raises(ValueError, match=r"in.vcf:6: the allele is symbolic.*<DEL>"):
        score(vcf, strict=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in.vcf"]


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: data])
def test_ends_of_lines_are_kept(tmp_path, score, pack):
    path = tmp_path / "dos.vcf"
    path.write_bytes(pack((HEADER + RECORDS[0]).replace("\n", "\r\n").encode()))
    lines = score(path)
    assert all(line.endswith("\r\n") for line in lines)
    assert lines[-1].count("\r") == 1


def test_a_last_line_without_an_end_stays_so(tmp_path, score):
    path = tmp_path / "in.vcf"
    path.write_text(HEADER + RECORDS[0])
    whole = score(path)
    path.write_text(HEADER + RECORDS[0].rstrip("\n"))
    lines = score(path)
    assert lines == [*whole[:-1], whole[-1].rstrip("\n")]
    assert lines[-1].endswith("0/1")


def test_a_file_without_variants_keeps_its_header(tmp_path, score):
    path = tmp_path / "in.vcf"
    path.write_text(HEADER)
    lines = score(path)
    assert lines[-1].startswith("#CHROM")
    assert any(line.startswith("##INFO=<ID=RCK_SKIP") for line in lines)


def test_comments_between_records_stay_in_place(tmp_path, score):
    path = tmp_path / "in.vcf"
    path.write_text(HEADER + "\n#one\n" + RECORDS[0] + "#two\n" + RECORDS[1] + "#end\n")
    lines = score(path)
    assert [line for line in lines if line[:4] in ("#one", "#two", "#end", "\n")] == [
        "\n",
        "#one\n",
        "#two\n",
        "#end\n",
    ]
    assert lines[-1] == "#end\n"
    assert lines[-3] == "#two\n"


def test_missing_columns_and_header_are_added(tmp_path, score):
    path = tmp_path / "bare.vcf"
    path.write_text(f"chr1\t80\t.\t{CHROM[79]}\tA\n")
    lines = score(path)
    assert lines[0] == "##fileformat=VCFv4.2\n"
    assert lines[-2] == "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    assert lines[-1].split("\t")[5:7] == [".", "."]
    assert lines[-1].split("\t")[7].startswith("RCK_LO_target_0=")


def test_samples_without_a_header_get_titles(tmp_path, score):
    path = tmp_path / "bare.vcf"
    path.write_text(RECORDS[0].rstrip("\n") + "\t1/1\n")
    assert score(path)[-2].endswith("\tINFO\tFORMAT\tsample1\tsample2\n")


def test_a_short_header_is_filled_up(tmp_path, score):
    path = tmp_path / "short.vcf"
    path.write_text(f"#CHROM\tPOS\tID\tREF\tALT\nchr1\t80\t.\t{CHROM[79]}\tA\n")
    assert score(path)[-2] == "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def test_a_second_run_needs_another_prefix(vcf, score, tmp_path):
    score(vcf)
    with pytest.raises(ValueError, match="field RCK_DIFF_target_0 already"):
        score(tmp_path / "out.vcf", "twice.vcf")
    lines = score(tmp_path / "out.vcf", "twice.vcf", prefix="B")
    assert {"RCK_LO_target_0", "B_LO_target_0"} <= set(infos(lines)[0])


@pytest.mark.parametrize("prefix", ["1st", "a b", "", "ä"])
def test_a_prefix_that_breaks_the_format_is_refused(vcf, score, prefix):
    with pytest.raises(ValueError, match="`prefix`"):
        score(vcf, prefix=prefix)


def test_tables_have_a_row_for_each_alternative(vcf, score):
    lines = score(vcf, "out.tsv", scores=("reference", "difference"))
    header, *rows = [line.rstrip("\n").split("\t") for line in lines]
    assert "-".join(header[:7]) == "chrom-position-name-ref-alt-reason-padded"
    assert header[7:] == [
        f"target_{i}_{score}" for i in (0, 1) for score in ("reference", "difference")
    ]
    assert len(rows) == 11
    assert [row[4] for row in rows[:4]] == ["A", "TT", "<DEL>", "G"]
    assert rows[2][5] == "symbolic"
    assert rows[2][7:] == ["nan"] * 4
    assert "nan" not in rows[3]


def test_tables_hold_what_the_vcf_holds(vcf, score, tmp_path):
    score(vcf, "out.npz")
    with np.load(tmp_path / "out.npz") as table:
        arrays = dict(table)
    first = infos(score(vcf))[0]["RCK_LO_target_1"].split(",")
    np.testing.assert_array_equal(arrays["log_odds"][:2, 1], np.array(first, "float32"))
    assert arrays["reason"][2] == "symbolic"


def test_targets_are_chosen_by_name_and_in_that_order(vcf, score):
    only = infos(score(vcf, targets=["target_1"]))[0]
    both = infos(score(vcf))[0]
    assert "RCK_LO_target_0" not in only
    assert only["RCK_LO_target_1"] == both["RCK_LO_target_1"]
    turned = score(vcf, "out.tsv", targets=["target_1", "target_0"])[0]
    assert turned.index("target_1_") < turned.index("target_0_")


@pytest.mark.parametrize("targets", [["other"], [], ["target_0", "target_0"]])
def test_unknown_or_repeated_targets_are_refused(vcf, score, targets):
    with pytest.raises(ValueError, match=r"`targets` must be different ones of .* 2"):
        score(vcf, targets=targets)


def test_names_of_targets_become_ids_of_the_format(tmp_path, genome, vcf, model):
    from zoo.annotation import Annotation

    names = ("8988T|DNase|None", "8988T DNase_None", 'a "b"')
    annotation = Annotation("RCK", names, ("difference",), "net")
    assert annotation.ids == [
        [
            "RCK_DIFF_8988T_DNase_None",
            "RCK_DIFF_8988T_DNase_None.2",
            "RCK_DIFF_a__b_",
        ]
    ]
    assert 'Description="a \\"b\\": Probability' in annotation.header()[-1]


def test_a_compressed_vcf_is_bgzip(vcf, score, tmp_path):
    pytest.importorskip("Bio.bgzf", reason="needs the extra `genome`")
    plain = "".join(score(vcf))
    score(vcf, "out.vcf.gz")
    packed = (tmp_path / "out.vcf.gz").read_bytes()
    assert packed[12:16] == b"BC\x02\x00"
    assert gzip.decompress(packed).decode() == plain


def test_bgzip_and_the_standard_input_are_read(vcf, score, monkeypatch):
    from tests.rckeras.io.test_text import bgzip

    expected = score(vcf)
    packed = bgzip(vcf.read_bytes(), 50)
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(packed)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert score("-") == expected


def test_the_standard_output_takes_vcf(model, genome, vcf, score, capsys):
    expected = "".join(score(vcf))
    score_variants_file(model, vcf, genome=genome)
    assert capsys.readouterr().out == expected


def test_an_existing_file_is_kept_unless_forced(model, genome, vcf, score):
    score(vcf)
    with pytest.raises(FileExistsError, match="exists already"):
        score(vcf, overwrite=False)


@pytest.mark.parametrize("clash", ["vcf", "genome"])
def test_a_file_that_is_read_is_not_replaced(model, genome, vcf, clash):
    output = {"vcf": vcf, "genome": genome}[clash]
    with pytest.raises(ValueError, match="must not be a file that is read"):
        score_variants_file(
            model, vcf, output, genome=genome, overwrite=True, format="vcf"
        )


@pytest.mark.parametrize("missing", ["genome", "vcf"])
def test_a_missing_file_is_found_before_any_work(vcf, score, tmp_path, missing):
    options = {"genome": tmp_path / "no.fa"} if missing == "genome" else {}
    with pytest.raises(FileNotFoundError):
        score(vcf if missing == "genome" else tmp_path / "no.vcf", **options)


def test_a_bad_line_is_named_and_nothing_is_left(tmp_path, score):
    path = tmp_path / "bad.vcf"
    path.write_text(HEADER + RECORDS[0] + "chr1\tx\t.\tA\tC\n")
    with pytest.raises(ValueError, match=r"bad.vcf:6: the position .*'x'"):
        score(path)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.vcf"]


@pytest.mark.parametrize("scores", [(), ("log2",), ("log_odds", "log_odds")])
def test_unknown_scores_are_refused(vcf, score, scores):
    with pytest.raises(ValueError, match="`scores` must be some of log_odds, diff"):
        score(vcf, scores=scores)


def test_many_records_come_out_in_order_whatever_the_batch(tmp_path, score):
    rng = np.random.default_rng(0)
    rows = [record(int(p), "A,<X>,TG") for p in rng.integers(1, 130, size=60)]
    path = tmp_path / "many.vcf"
    path.write_text(HEADER + "".join(rows))
    whole = score(path)
    assert [line.split("\t")[1] for line in whole if line[0] != "#"] == [
        row.split("\t")[1] for row in rows
    ]
    for size in (1, 7):
        assert [line.split(";")[0] for line in score(path, batch_size=size)] == [
            line.split(";")[0] for line in whole
        ]


def test_the_command_writes_what_the_function_writes(
    model, genome, vcf, score, tmp_path, capsys
):
    saved = tmp_path / "net.keras"
    model.save(saved)
    output = tmp_path / "cli.vcf"
    words = ["variants", saved, vcf, "--genome", genome, "-o", output]
    assert cli.main([str(word) for word in words]) == 0
    assert output.read_text() == "".join(score(vcf))
    assert capsys.readouterr().err.startswith("9 variants, 5 alternatives scored (mean")


def test_the_command_offers_what_the_library_takes():
    from rckeras.interpret.alleles import FITS
    from rckeras.interpret.variants import STRANDS

    assert (command.FITS, command.STRANDS) == (FITS, STRANDS)


@pytest.mark.slow
def test_a_real_vcf_is_scored_on_a_real_genome(shared_data, tmp_path):
    """Positions of the file are moved to where the excerpt of the genome begins."""
    genome = shared_data / "hg38_chr22_32000000_32300000.fa"
    with Genome(genome) as opened:
        letters = opened.fetch("chr22", 0, 300_000).upper()
    rows = [
        f"22\t{p + 1}\t.\t{letters[p : p + 1 + p % 3]}\t{'ACGT'[p % 4]}\n"
        for p in range(1000, 299_000, 5_000)
    ]
    path = tmp_path / "in.vcf"
    path.write_text("".join(rows))
    found = score_variants_file(
        open_model("brown-sim", "default")[0], path, tmp_path / "o.tsv", genome=genome
    )
    assert found.records == found.scored == len(rows)
    assert found.strands == "forward"
    assert isinstance(keras.backend.backend(), str)


def test_the_header_tells_samples(genome, vcf, tmp_path):
    network, found = build([MonteCarloDropout(0.5)]), {}
    for samples in (None, 2, 3):
        output = tmp_path / f"{samples}.vcf"
        options = {"genome": genome, "mc_samples": samples, "progress": False}
        score_variants_file(network, vcf, output, **options)
        found[samples] = output.read_text()
    assert "samples" not in found[None]
    assert "mean of 2 samples" in found[2]
    assert found[2].replace("of 2", "of 3") != found[3]
