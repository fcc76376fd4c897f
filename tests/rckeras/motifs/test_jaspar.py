import sys

import numpy as np
import pytest

from rckeras.datasets import brown2018, koo2019
from rckeras.motifs.jaspar import fetch_jaspar, fetch_jaspar_collection

pyjaspar = pytest.importorskip("pyjaspar")


def meme_matrices(path):
    """Matrix identifier to rows, of a MEME file."""
    blocks = path.read_text().split("MOTIF ")[1:]
    matrices = {}
    for block in blocks:
        lines = block.splitlines()
        rows = [line.split() for line in lines[3:] if line.startswith("  ")]
        matrices[lines[0].split()[0]] = np.array(rows, dtype=float)
    return matrices


def test_motifs_come_in_the_order_of_their_ids():
    motifs = fetch_jaspar(["MA0095.2", "MA0466.2"])
    assert [each.matrix_id for each in motifs] == ["MA0095.2", "MA0466.2"]
    assert [each.name for each in motifs] == ["YY1", "CEBPB"]
    assert {each.source for each in motifs} == {"JASPAR2016"}


@pytest.mark.parametrize("motifs", [koo2019.MOTIFS, brown2018.MOTIFS])
def test_the_papers_motifs_have_their_names_and_the_published_numbers(
    motifs, shared_data
):
    published = meme_matrices(shared_data / "jaspar_core_2016_vertebrates.meme")
    for name, motif in zip(motifs, fetch_jaspar(motifs.values()), strict=True):
        assert motif.name == name
        rows = published[motif.matrix_id]
        np.testing.assert_allclose(motif.probabilities, rows, atol=1e-6)


def test_the_version_asked_for_is_the_one_fetched():
    old, new = fetch_jaspar(["MA0466.1", "MA0466.2"])
    assert (len(old), len(new)) == (11, 10)


def test_counts_are_kept():
    [motif] = fetch_jaspar(["MA0151.1"])
    assert motif.counts[0].tolist() == [27, 0, 0, 0]
    assert motif.counts[2].tolist() == [1, 9, 0, 17]


def test_a_motif_has_the_class_of_its_protein_and_a_dimer_that_of_both_once():
    zipper, dimer = fetch_jaspar(["MA0466.2", "MA1127.1"], release="JASPAR2018")
    assert zipper.family == dimer.family == "Basic leucine zipper factors (bZIP)"
    assert dimer.name == "FOSB::JUN"


@pytest.mark.parametrize("release", ["JASPAR2018", "JASPAR2020"])
def test_a_collection_is_that_of_its_release_and_taxon(release):
    insects = fetch_jaspar_collection(release, tax_group="insects")
    assert {motif.source for motif in insects} == {release}
    assert len(insects) == {"JASPAR2018": 133, "JASPAR2020": 143}[release]
    assert len({motif.matrix_id for motif in insects}) == len(insects)


@pytest.mark.parametrize("wrong", ["MA0466", "MA0466.9"])
def test_a_wrong_version_is_refused_with_the_versions_there_are(wrong):
    message = f"MA0466.1, MA0466.2. Received: '{wrong}'"
    with pytest.raises(ValueError, match=message):
        fetch_jaspar(["MA0095.2", wrong])


@pytest.mark.parametrize("wrong", ["MA9999.1", "CEBPB", ""])
def test_what_the_release_does_not_have_is_refused(wrong):
    with pytest.raises(ValueError, match=f"in JASPAR2016, .* Received: '{wrong}'"):
        fetch_jaspar([wrong])


def test_an_unknown_release_is_refused_with_those_there_are(capsys):
    with pytest.raises(ValueError, match=r"'JASPAR2018'.*Received: 'JASPAR2017'"):
        fetch_jaspar(["MA0095.2"], release="JASPAR2017")
    assert capsys.readouterr().out == ""


def test_one_string_is_refused():
    with pytest.raises(TypeError, match=r"Received: 'MA0095\.2'"):
        fetch_jaspar("MA0095.2")


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyjaspar", None)
    with pytest.raises(ImportError, match=r'pip install "rckeras\[motifs\]"'):
        fetch_jaspar(["MA0095.2"])


def test_the_class_is_found_under_its_later_name(monkeypatch):
    monkeypatch.setattr(pyjaspar, "JasparDB", pyjaspar.jaspardb, raising=False)
    monkeypatch.delattr(pyjaspar, "jaspardb")
    assert fetch_jaspar(["MA0095.2"])[0].name == "YY1"
