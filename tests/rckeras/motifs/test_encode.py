import numpy as np
import pytest

from rckeras.motifs.encode import load_encode_motifs

NAMES = ["GATA_known6", "ELF1_known2", "RXRA_known1"]


def test_the_file_holds_three_motifs_of_their_published_lengths():
    motifs = load_encode_motifs()
    assert [motif.name for motif in motifs] == NAMES
    assert [*map(len, motifs)] == [13, 12, 21]


def test_rows_sum_up_to_one_in_spite_of_six_decimals():
    for motif in load_encode_motifs():
        sums = motif.probabilities.sum(axis=1)
        np.testing.assert_allclose(sums, 1, rtol=0, atol=1e-15)


def test_the_numbers_are_those_of_the_collection():
    gata, elf1, rxra = load_encode_motifs()
    published = [0.405405, 0.027027, 0.297297, 0.270270]
    np.testing.assert_allclose(gata.probabilities[0], published, atol=1e-6)
    published = [0.302380, 0.190366, 0.392919, 0.114335]
    np.testing.assert_allclose(elf1.probabilities[-1], published, atol=1e-6)
    published = [0.275862, 0.344828, 0.034483, 0.344828]
    np.testing.assert_allclose(rxra.probabilities[17], published, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("GATA_known6", "GATAA"),
        ("ELF1_known2", "CCGGAAGT"),
        ("RXRA_known1", "GGTCAAAGGTCA"),
    ],
)
def test_the_consensus_holds_the_known_site(name, site):
    [motif] = load_encode_motifs([name])
    assert site in motif.consensus


def test_motifs_come_in_the_order_asked_for():
    assert [each.name for each in load_encode_motifs(NAMES[::-1])] == NAMES[::-1]


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'ELF1_known2'.*Received: 'ELF1'"):
        load_encode_motifs(["GATA_known6", "ELF1"])


def test_a_single_name_is_refused():
    with pytest.raises(TypeError, match=r"`names` must be a list.*: 'GATA_known6'"):
        load_encode_motifs("GATA_known6")
