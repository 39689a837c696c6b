"""Shapes of objects: known once, and forgotten rather than piled up."""

from __future__ import annotations

from parabola.values import shapes
from parabola.values.shapes import known_shape


def test_a_shape_has_the_size_of_its_names() -> None:
    shape = known_shape(("_id", "name"))
    assert shape is not None
    assert shape.size == 2 + 4 + 5
    assert not shape.has_underscore
    assert known_shape(("_id", "name")) is shape


def test_a_name_with_an_underscore_is_noticed() -> None:
    shape = known_shape(("_other",))
    assert shape is not None
    assert shape.has_underscore


def test_a_name_that_is_none_makes_no_shape() -> None:
    assert known_shape(("a", "$b")) is None
    assert known_shape(("a", 1)) is None


def test_memory_is_bounded() -> None:
    for n in range(5000):
        known_shape((f"field_{n}",))
    assert len(shapes._shapes) <= 1024
    assert known_shape(tuple(str(n) for n in range(900))) is not None
    assert tuple(str(n) for n in range(900)) not in shapes._shapes
