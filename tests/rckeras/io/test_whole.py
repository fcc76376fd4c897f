import pytest

from rckeras.io.whole import complete_or_none, write_whole


def test_a_file_that_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    there = tmp_path / "there" / "table.tsv"
    there.parent.mkdir()
    there.write_text("old")
    link = tmp_path / "link.tsv"
    link.symlink_to(there)
    write_whole(link, "new")
    assert link.is_symlink()
    assert there.read_text() == "new"
    assert list(there.parent.iterdir()) == [there]


def test_after_a_failure_all_is_as_it_was(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), complete_or_none(path) as part:
        (part / "below").write_text("")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
