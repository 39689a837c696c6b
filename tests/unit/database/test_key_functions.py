from __future__ import annotations

from parabola.database.key_functions import compile_key_function, id_key, value_at
from parabola.values.keys import encode_key, encode_key_parts
from parabola.values.model import UNDEFINED

DOCUMENT = {"_id": "abc", "_creationTime": 5.0, "a": 1, "o": {"x": {"y": "deep"}}}


def test_the_built_in_keys_come_first() -> None:
    by_id, by_creation_time = compile_key_function([])(DOCUMENT)
    assert by_id == id_key("abc") == encode_key("abc")
    assert by_creation_time == encode_key_parts([5.0, "abc"])


def test_declared_fields_then_creation_time_then_id() -> None:
    keys = compile_key_function([["a", "o.x.y"], ["missing"], ["o.nowhere.y"]])(DOCUMENT)
    assert keys[2] == encode_key_parts([1, "deep", 5.0, "abc"])
    assert keys[3] == keys[4] == encode_key_parts([UNDEFINED, 5.0, "abc"])


def test_a_path_steps_into_objects_only() -> None:
    assert value_at({"a": [{"b": 1}]}, ["a", "b"]) is UNDEFINED
    assert value_at({"a": {"b": None}}, ["a", "b"]) is None


def test_field_names_are_data() -> None:
    keys = compile_key_function([["class"], ["it's"]])({**DOCUMENT, "class": 1, "it's": 2})
    assert keys[2] == encode_key_parts([1, 5.0, "abc"])
    assert keys[3] == encode_key_parts([2, 5.0, "abc"])
