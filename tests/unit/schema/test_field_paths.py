"""What a validator says about a field path."""

from __future__ import annotations

from parabola.schema.field_paths import can_hold_vector, field_may_exist
from parabola.schema.validators import v

DOCUMENT = v.union(
    v.object({"name": v.string(), "tags": v.array(v.object({"x": v.null()})), "embedding": v.array(v.number())}),
    v.object({"profile": v.optional(v.object({"city": v.pipe(v.string(), v.length(1))})), "extra": v.any()}),
)


def test_a_field_may_exist_in_any_member_at_any_depth() -> None:
    for path in ("name", "profile", "profile.city", "extra.anything.at.all", "tags"):
        assert field_may_exist(DOCUMENT, path)


def test_paths_step_into_objects_only() -> None:
    for path in ("nope", "name.x", "tags.x", "profile.nope", "profile.city.x"):
        assert not field_may_exist(DOCUMENT, path)


def test_a_vector_is_an_array_of_floats_or_may_be_anything() -> None:
    assert can_hold_vector(DOCUMENT, "embedding")
    assert can_hold_vector(DOCUMENT, "extra")
    assert can_hold_vector(v.object({"e": v.optional(v.union(v.null(), v.array(v.float64())))}), "e")
    assert not can_hold_vector(DOCUMENT, "tags")
    assert not can_hold_vector(v.object({"e": v.array(v.int64())}), "e")
