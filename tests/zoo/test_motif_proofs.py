"""What papers read out of their networks' filters is found in the zoo's."""

import gzip
import re

import pytest

import zoo
from rckeras.datasets import simulate_koo2019
from rckeras.motifs import (
    fetch_jaspar_collection,
    filters_to_motifs,
    match_motifs,
    motif_pattern,
)
from rckeras.sequence import base_codes
from zoo.recipes.koo2019 import RELEVANT

pytest.importorskip("pyjaspar")


@pytest.fixture(scope="module")
def simulated():
    """Sequences that no network has seen, with the motifs of 12 factors."""
    return simulate_koo2019(seed=7, sequences=1500).sequences[:]


@pytest.fixture(scope="module")
def known():
    return fetch_jaspar_collection("JASPAR2016")


@pytest.mark.parametrize(
    ("name", "low", "high"), [("koo-cnn-25", 0.85, 1.0), ("koo-cnn-1", 0.0, 0.15)]
)
def test_a_large_pool_makes_filters_of_planted_motifs_and_a_small_one_does_not(
    simulated, known, name, low, high
):
    """Koo and Eddy 2019, Table 1: 0.98 of CNN-25's filters, 0.01 of CNN-1's."""
    motifs = filters_to_motifs(zoo.load(name), simulated, "conv1", "koo2019_code")
    trimmed = [None if motif is None else motif.trim() for motif in motifs]
    matches = match_motifs(trimmed, known)
    among = {motif.matrix_id for motif in known}.intersection(RELEVANT)
    assert low <= matches.fraction_matched(among=among) <= high


def test_the_second_layer_of_cnn_1_has_motifs_and_that_of_others_has_not(simulated):
    motifs = filters_to_motifs(zoo.load("koo-cnn-1"), simulated[:200], "conv2")
    assert len(motifs) == 128
    assert {len(motif) for motif in motifs if motif is not None} == {19 + 5 - 1}
    with pytest.raises(ValueError, match="'conv2' with 'pool1'"):
        filters_to_motifs(zoo.load("koo-cnn-25"), simulated[:10], "conv2")


def words(motifs):
    """The motifs of filters that fire, as words with N's, on both strands."""
    found = [motif for motif in motifs if motif is not None]
    turned = [motif.reverse_complement() for motif in found]
    return [motif_pattern(motif, threshold=0.5) for motif in (*found, *turned)]


@pytest.fixture(scope="module")
def hotspot_network(shared_data):
    """The published network, and real DNA of its length."""
    with gzip.open(shared_data / "hg38_chr1_first1Mb.fa.gz", "rt") as file:
        letters = "".join(line.strip() for line in file if line[0] != ">").upper()
    windows = [letters[i : i + 997] for i in range(200_000, 800_000, 997)]
    codes = base_codes([window for window in windows if "N" not in window])
    weights = shared_data / "prdm9_brown2018_keras2.weights.h5"
    return zoo.load("prdm9", weights=weights), codes


def test_three_filters_of_the_hotspot_network_read_the_classical_motif(
    hotspot_network,
):
    """Brown and Lunter 2018, Figure 5c-e: versions of CCTCCCTNNCCAC."""
    motifs = filters_to_motifs(*hotspot_network, method="brown2018")
    found = [word for word in words(motifs) if re.search("C.{4,5}T..CC", word)]
    exact = [word for word in found if re.search("CC.CC.T..CC", word)]
    assert len(found) >= 3
    assert len(exact) >= 2
    # The row CCNCCNTNNCCNC of their Table 2.
    assert any("CCNCCNTNNCCNC" in word for word in exact)


def test_filters_of_the_hotspot_network_are_most_like_the_known_motif_of_prdm9(
    hotspot_network,
):
    known = fetch_jaspar_collection("JASPAR2022")
    motifs = filters_to_motifs(*hotspot_network, method="brown2018")
    trimmed = [None if motif is None else motif.trim() for motif in motifs]
    best = match_motifs(trimmed, known, distance="pearson").best()
    named = [known[match.target].name for match in best if match is not None]
    assert named.count("PRDM9") >= 3


def test_a_filter_of_the_hotspot_network_reads_the_sparse_motif(hotspot_network):
    """Brown and Lunter 2018, Figure 5a, b and Table 2: CANNNNTNNTNNNNNNNCCCC."""
    motifs = filters_to_motifs(*hotspot_network, method="hawkinshooker2018")
    assert any(re.search("CA.{7}T.{7}CC", word) for word in words(motifs))
