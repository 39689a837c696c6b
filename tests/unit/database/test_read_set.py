from __future__ import annotations

from parabola.database.read_set import ReadSet
from parabola.database.write_log import LogEntry


def test_a_write_overlaps_where_it_touches_a_range_of_the_same_index() -> None:
    reads = ReadSet()
    reads.add(1, b"b", b"d")
    assert reads.overlaps(LogEntry(1, [(1, b"c")]))
    assert not reads.overlaps(LogEntry(1, [(2, b"c")]))
    assert not reads.overlaps(LogEntry(1, [(1, b"d")]))


def test_a_point_is_that_key_alone() -> None:
    reads = ReadSet()
    reads.add_point(1, b"b")
    assert reads.overlaps(LogEntry(1, [(1, b"b")]))
    assert not reads.overlaps(LogEntry(1, [(1, b"b\x00")]))


def test_reads_after_a_question_count_in_the_next() -> None:
    reads = ReadSet()
    reads.add_point(1, b"a")
    assert not reads.overlaps(LogEntry(1, [(1, b"b")]))
    reads.add_point(1, b"b")
    assert reads.overlaps(LogEntry(1, [(1, b"b")]))


def test_equal_and_adjacent_ranges_count_as_one() -> None:
    reads = ReadSet()
    for _ in range(3):
        reads.add_point(1, b"a")
    reads.add(1, b"a\x00", b"c")
    reads.add(2, b"a", b"b")
    assert reads.range_count == 2


def test_first_overlap_names_the_key_that_was_in_the_way() -> None:
    reads = ReadSet()
    reads.add(3, b"", None)
    assert reads.first_overlap(LogEntry(1, [(1, b"x"), (3, b"y")])) == (3, b"y")


def test_update_takes_over_all_ranges() -> None:
    one, other = ReadSet(), ReadSet()
    other.add(1, b"a", b"b")
    one.update(other)
    assert one.overlaps(LogEntry(1, [(1, b"a")]))
