"""What counts as wider, so that stored documents need not be read again (semantics 2.4)."""

from __future__ import annotations

import pytest

from parabola.schema.changes import is_wider
from parabola.schema.validators import ObjectValidator, Validator, v
from parabola.values.kinds import Int64

A = v.object({"a": v.string()})


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (v.any(), A),
        (v.string(), v.id("users")),
        (v.string(), v.literal("x")),
        (v.number(), v.literal(1)),
        (v.int64(), v.literal(Int64(1))),
        (v.boolean(), v.literal(True)),
        (v.int64(), v.commit_ts()),
        (v.union(v.string(), v.null()), v.string()),
        (v.union(v.string(), v.null(), v.number()), v.union(v.null(), v.string())),
        (v.array(v.any()), v.array(v.string())),
        (v.object({"a": v.optional(v.string())}), A),
        (v.object({"a": v.string(), "b": v.optional(v.any())}), A),
        (v.object({"a": v.union(v.string(), v.null())}), A),
        (v.record(v.string(), v.any()), A),
        (v.record(v.string(), v.string()), v.record(v.id("users"), v.string())),
        (v.number(), v.pipe(v.number(), v.min(1))),
        (v.pipe(v.number(), v.min(1)), v.pipe(v.number(), v.max(9), v.min(1))),
        (v.union(A, v.object({"b": v.null()})), A),
        (v.string(), v.union()),
        (ObjectValidator({"a": v.string()}, is_open=True), A),
    ],
)
def test_wider(new: Validator, old: Validator) -> None:
    assert is_wider(new, old)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (A, v.any()),
        (v.id("users"), v.string()),
        (v.id("users"), v.id("rooms")),
        (v.literal("x"), v.string()),
        (v.number(), v.literal(True)),
        (v.number(), v.int64()),
        (v.string(), v.union(v.string(), v.null())),
        (A, v.object({"a": v.optional(v.string())})),
        (A, v.object({})),
        (v.object({}), A),
        (v.object({"a": v.string(), "b": v.any()}), A),
        (v.object({"a": v.number()}), A),
        (v.record(v.id("users"), v.any()), A),
        (v.record(v.string(), v.number()), A),
        (A, v.record(v.string(), v.string())),
        (v.array(v.string()), v.array(v.any())),
        (v.pipe(v.number(), v.min(1)), v.number()),
        (v.pipe(v.number(), v.min(2)), v.pipe(v.number(), v.min(1))),
        (A, ObjectValidator({"a": v.string()}, is_open=True)),
        (
            ObjectValidator({"a": v.string(), "b": v.optional(v.null())}, is_open=True),
            ObjectValidator({"a": v.string()}, is_open=True),
        ),
    ],
)
def test_not_provably_wider(new: Validator, old: Validator) -> None:
    assert not is_wider(new, old)


def test_whether_the_whole_is_optional_makes_no_difference() -> None:
    assert is_wider(A, A.optional())
