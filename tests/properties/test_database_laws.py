"""Short laws of the database layer: interval sets are sets of points, scans are sorted filters over documents."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from parabola.database.intervals import IntervalSet
from parabola.schema.tables import define_schema, define_table
from parabola.schema.validators import v
from tests.unit.database.helpers import fill, open_database

POINTS = [bytes([letter]) for letter in b"abcdefgh"]
BOUNDS = st.sampled_from(POINTS)
INTERVALS = st.lists(st.tuples(BOUNDS, st.one_of(BOUNDS, st.none())), max_size=8)


@given(INTERVALS)
def test_an_interval_set_is_the_set_of_its_points(intervals: list[tuple[bytes, bytes | None]]) -> None:
    made = IntervalSet()
    points: set[bytes] = set()
    for lower, upper in intervals:
        made.add(lower, upper)
        points |= {point for point in POINTS if lower <= point and (upper is None or point < upper)}
    assert {point for point in POINTS if made.contains(point)} == points
    kept = list(made)
    assert kept == sorted(kept, key=lambda one: one[0])
    for (_, end), (start, _) in pairwise(kept):
        assert end is not None
        assert end < start


@given(INTERVALS, st.permutations(range(8)))
def test_the_order_of_adding_makes_no_difference(intervals: list[tuple[bytes, bytes | None]], order: list[int]) -> None:
    one, other = IntervalSet(), IntervalSet()
    for lower, upper in intervals:
        one.add(lower, upper)
    for at in order:
        if at < len(intervals):
            other.add(*intervals[at])
    assert one == other


@given(INTERVALS, BOUNDS, st.one_of(BOUNDS, st.none()))
def test_overlap_is_having_a_point_in_common(
    intervals: list[tuple[bytes, bytes | None]], lower: bytes, upper: bytes | None
) -> None:
    made = IntervalSet()
    for interval in intervals:
        made.add(*interval)
    asked = IntervalSet()
    asked.add(lower, upper)
    common = any(made.contains(point) and asked.contains(point) for point in POINTS)
    assert made.overlaps(lower, upper) == common


SCHEMA = define_schema(t=define_table(v.any()).index("by_n", ["n"]))
NUMBERS = st.integers(0, 6)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), NUMBERS, NUMBERS),
        st.tuples(st.just("move"), NUMBERS, NUMBERS),
        st.tuples(st.just("touch"), NUMBERS, NUMBERS),
        st.tuples(st.just("delete"), NUMBERS, NUMBERS),
        st.tuples(st.just("scan"), NUMBERS, NUMBERS),
        st.tuples(st.sampled_from(["begin", "undo", "keep"]), NUMBERS, NUMBERS),
    ),
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBERS, max_size=8), CHANGES)
def test_scans_over_own_writes_are_sorted_filters_over_all_documents(
    stored: list[int], changes: list[tuple[str, int, int]]
) -> None:
    database = open_database(SCHEMA)
    fill(database, "t", {"n": 99}, *({"n": n} for n in stored))
    tx = database.begin_mutation()
    documents = {document["_id"]: document for document in tx.query("t").collect()}
    saved: list[dict[str, Any]] = []

    def check(lower: int, upper: int) -> None:
        expected = sorted(
            (document for document in documents.values() if lower <= document["n"] < upper),
            key=lambda document: (document["n"], document["_creationTime"]),
        )
        for descending in (False, True):
            order = "desc" if descending else "asc"
            query = tx.query("t").with_index("by_n", lambda q: q.gte("n", lower).lt("n", upper)).order(order)
            assert query.collect() == (expected[::-1] if descending else expected)
        assert tx.query("t").with_index("by_n", lambda q: q.gte("n", lower).lt("n", upper)).take(2) == expected[:2]
        page = tx.query("t").with_index("by_n", lambda q: q.gte("n", lower).lt("n", upper))
        tx.begin_nested()
        assert page.paginate({"numItems": 3, "cursor": None})["page"] == expected[:3]
        tx.commit_nested()

    for kind, one, other in changes:
        ids = list(documents)
        target = ids[one % len(ids)] if ids else None
        if kind == "insert":
            new = tx.insert("t", {"n": one})
            documents[new] = tx.get(new) or {}
        elif kind == "scan":
            check(min(one, other), max(one, other) + 1)
        elif kind == "begin":
            tx.begin_nested()
            saved.append(dict(documents))
        elif kind == "undo" and saved:
            tx.rollback_nested()
            documents = saved.pop()
        elif kind == "keep" and saved:
            tx.commit_nested()
            saved.pop()
        elif target is not None and kind in ("move", "touch"):
            fields = {"n": other} if kind == "move" else {"mark": other}
            tx.patch(target, fields)
            documents[target] = {**documents[target], **fields}
        elif target is not None and kind == "delete":
            tx.delete(target)
            del documents[target]
    check(0, 100)
