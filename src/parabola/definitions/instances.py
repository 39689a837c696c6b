"""From instances of the user's classes to the values that they stand for: what a handler returns whose return
annotation names a dataclass, a `msgspec.Struct` or a Pydantic model.

The counterpart of what `annotations` builds of arguments, with the same names on the wire.
"""

from __future__ import annotations

import dataclasses
from typing import Any


def to_value(given: Any) -> Any:
    """`given` with every instance in it, at any depth of lists and dicts, replaced by a dict of its fields."""
    kind = type(given)
    if kind is dict:
        return {name: to_value(item) for name, item in given.items()}
    if kind is list:
        return [to_value(item) for item in given]
    if hasattr(kind, "__struct_fields__") and hasattr(kind, "__struct_encode_fields__"):
        return _struct(given)
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_fields"):
        return given.model_dump(by_alias=True)
    if dataclasses.is_dataclass(kind):
        return {field.name: to_value(getattr(given, field.name)) for field in dataclasses.fields(kind) if field.init}
    return given


def _struct(given: Any) -> dict[str, Any]:
    kind = type(given)
    fields = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    value = {wire_name: to_value(getattr(given, name)) for name, wire_name in fields}
    tag = kind.__struct_config__.tag
    if tag is not None:
        value[kind.__struct_config__.tag_field] = tag
    return value
