"""From a document to its keys, compiled once per table.

The key of an index entry is the index's fields, then `_creationTime`, then `_id`, each in the order-preserving form of
`values.keys`, one after another. Every commit needs the keys of every written document on every index of its table, old
and new, so the function is generated as source: no loop over indexes, and the two trailing parts are encoded once.
Positive numbers, which creation times and most numeric fields are, are packed in place; `encode_key` has the rest.

`id_key` is what `by_id` uses: the same encoding of the id string alone. Ids are ASCII letters and digits, so
nothing in them needs escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from parabola.values.keys import FLOAT_TAG, encode_key, pack_positive
from parabola.values.model import UNDEFINED

Document = dict[str, Any]
KeyFunction = Callable[[Document], tuple[bytes, ...]]


def id_key(document_id: str) -> bytes:
    """The key of an id on `by_id`."""
    return b"\x10" + document_id.encode() + b"\x00"


def value_at(document: Document, path: Sequence[str]) -> Any:
    """The value at a field path, which steps into objects only; UNDEFINED where it does not resolve."""
    value: Any = document
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return UNDEFINED
        value = value[name]
    return value


def compile_key_function(indexes: Sequence[Sequence[str]], *, by_creation_time: bool = True) -> KeyFunction:
    """A function from a document to its keys: by_id, by_creation_time (if the table has it), then one for each list of
    field paths.
    """
    constants: dict[str, Any] = {
        "encode_key": encode_key,
        "pack_positive": pack_positive,
        "UNDEFINED": UNDEFINED,
        "value_at": value_at,
    }
    source = (
        "def keys_of(document):\n"
        "    get = document.get\n"
        "    id_part = b'\\x10' + document['_id'].encode() + b'\\x00'\n"
        f"    tail = pack_positive({FLOAT_TAG}, -document['_creationTime']) + id_part\n"
    )
    keys = ["id_part", "tail"] if by_creation_time else ["id_part"]
    for fields in indexes:
        parts: list[str] = []
        for field in fields:
            path = field.split(".")
            if len(path) == 1:
                value = f"value_{len(keys)}_{len(parts)}"
                source += f"    {value} = get({field!r}, UNDEFINED)\n"
                is_positive = f"({value}.__class__ is float or {value}.__class__ is int) and {value} > 0"
                parts.append(f"(pack_positive({FLOAT_TAG}, -{value}) if {is_positive} else encode_key({value}))")
            else:
                constant = f"path_{len(constants)}"
                constants[constant] = tuple(path)
                parts.append(f"encode_key(value_at(document, {constant}))")
        keys.append(" + ".join([*parts, "tail"]))
    source += f"    return ({', '.join(keys)})\n"
    exec(compile(source, "<key function>", "exec"), constants)  # the names in it are identifiers, checked at definition
    compiled: KeyFunction = constants["keys_of"]
    return compiled
