from __future__ import annotations

from parabola.storage.versions import Versions


def three_versions() -> Versions[str, bytes]:
    versions: Versions[str, bytes] = Versions()
    versions.put("a", 2, b"2")
    versions.put("a", 4, None)
    versions.put("a", 6, b"6")
    return versions


def test_a_read_sees_the_newest_version_that_is_not_newer_than_it() -> None:
    versions = three_versions()
    seen = [versions.at("a", ts) for ts in range(1, 8)]
    assert seen == [None, (2, b"2"), (2, b"2"), (4, None), (4, None), (6, b"6"), (6, b"6")]
    assert versions.at("b", 9) is None


def test_trimming_keeps_what_the_oldest_reader_sees() -> None:
    versions = three_versions()
    versions.trim("a", 3)
    assert versions.at("a", 3) == (2, b"2")
    versions.trim("a", 5)
    assert versions.at("a", 5) is None
    assert versions.at("a", 6) == (6, b"6")


def test_trimming_past_a_deletion_forgets_the_key() -> None:
    versions: Versions[str, bytes] = Versions()
    versions.put("a", 1, b"1")
    versions.put("a", 2, None)
    versions.trim("a", 2)
    assert len(versions) == 0
    assert list(versions.walk("", None, 9, descending=False)) == []


def test_the_newest_versions_can_be_taken_back() -> None:
    versions = three_versions()
    versions.drop_newest("a")
    assert versions.at("a", 9) == (4, None)
    versions.drop_newest("a")
    versions.drop_newest("a")
    assert "a" not in versions


def test_a_walk_passes_keys_that_are_too_new_and_shows_deletions() -> None:
    versions = three_versions()
    versions.put("b", 5, b"5")
    assert list(versions.walk("", None, 4, descending=False)) == [("a", None)]
    assert list(versions.walk("", None, 6, descending=True)) == [("b", b"5"), ("a", b"6")]
    assert sorted(versions.newest_values(), key=repr) == [b"5", b"6"]
