from __future__ import annotations

from parabola.database.intervals import IntervalSet


def of(*intervals: tuple[bytes, bytes | None]) -> IntervalSet:
    made = IntervalSet()
    for lower, upper in intervals:
        made.add(lower, upper)
    return made


def test_a_range_holds_its_lower_bound_and_not_its_upper() -> None:
    made = of((b"b", b"d"))
    assert [made.contains(key) for key in (b"a", b"b", b"c\xff", b"d")] == [False, True, True, False]


def test_ranges_that_overlap_or_touch_become_one() -> None:
    assert list(of((b"a", b"c"), (b"b", b"d"))) == [(b"a", b"d")]
    assert list(of((b"c", b"d"), (b"a", b"c"))) == [(b"a", b"d")]
    assert list(of((b"a", b"b"), (b"e", b"f"), (b"c", b"d"), (b"b", b"e"))) == [(b"a", b"f")]


def test_ranges_apart_stay_apart_and_sorted() -> None:
    assert list(of((b"c", b"d"), (b"a", b"b"))) == [(b"a", b"b"), (b"c", b"d")]


def test_a_range_without_end_swallows_what_follows() -> None:
    assert list(of((b"c", b"d"), (b"b", None), (b"x", b"y"))) == [(b"b", None)]
    assert of((b"b", None)).contains(b"\xff" * 40)


def test_empty_ranges_vanish() -> None:
    assert len(of((b"b", b"b"), (b"c", b"a"))) == 0


def test_overlaps_looks_at_any_key_of_a_range() -> None:
    made = of((b"b", b"d"))
    assert made.overlaps(b"a", b"b\x00")
    assert made.overlaps(b"c", None)
    assert not made.overlaps(b"a", b"b")
    assert not made.overlaps(b"d", None)
    assert not made.overlaps(b"c", b"c")
