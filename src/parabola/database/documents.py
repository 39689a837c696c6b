"""From what user code hands to a write, to a document that may be stored.

The checks run in the order of semantics 5.1: structure, then schema. Each function takes and gives whole documents
with their system fields; the schema sees them without.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final, Literal

from parabola.database.catalog import Catalog, Table
from parabola.database.key_functions import Document
from parabola.database.usage import SIZE_PER_STORED_BYTE_MAX
from parabola.errors import ParabolaError, SchemaError
from parabola.limits import Limits
from parabola.schema.check import Checker, ValidationFailed
from parabola.values.documents import encode_document
from parabola.values.model import SAFE_INTEGER_MAX, UNDEFINED, normalize_document
from parabola.values.order import values_equal

# How deep in a document of a system table a value may lie.
_SYSTEM_NESTING: Final = 4

Changed = tuple[Document, bytes]
"""A document as it will be, and its stored form. A plain tuple: one is made for each write."""


@lru_cache(maxsize=32)
def system_limits(limits: Limits) -> Limits:
    """What holds for documents of system tables: they carry values that were checked as such, such as arguments."""
    return replace(
        limits,
        document_bytes_max=limits.value_bytes_max,
        document_nesting_max=limits.value_nesting_max + _SYSTEM_NESTING,
    )


def new_document(value: Document, document_id: str, creation_time: float, limits: Limits | None) -> Changed:
    """A copy of `value` with its system fields. Raises `InvalidValue`. Without `limits`, nothing is checked: `value` is
    known to be valid, and to be what plain JSON can say.
    """
    if limits is None:
        document, plain = value.copy(), True
    else:
        document, _, plain = normalize_document(value, limits)
    document["_id"] = document_id
    document["_creationTime"] = creation_time
    if limits is not None and len(document) > limits.object_fields_max:
        normalize_document(document, limits)  # raises: with these two, it could be stored and never be returned
    return document, encode_document(document, plain=plain)


def patched_document(old: Document, old_data: bytes, fields: Document, limits: Limits) -> Changed | None:
    """`old` with `fields` set or, where they are `UNDEFINED`, removed; None if that leaves it equal.

    What is stored is known to be in order, so only the fields are looked at, and the size of the whole.
    """
    plainly = _plainly_patched(old, old_data, fields, limits)
    if plainly is not False:
        return plainly
    removed = [name for name, item in fields.items() if item is UNDEFINED]
    if removed:
        fields = {name: item for name, item in fields.items() if item is not UNDEFINED}
    changes, _, plain = normalize_document(fields, limits)
    new = old.copy()
    changed = False
    for name, item in changes.items():
        # System fields were checked to be the same as before.
        if name[:1] != "_" and (name not in old or not values_equal(old[name], item)):
            new[name] = item
            changed = True
    for name in removed:
        if name[:1] != "_" and name in new:
            del new[name]
            changed = True
    if not changed:
        return None
    if len(new) > limits.object_fields_max:
        normalize_document(new, limits)
    data = encode_document(new, plain=plain and old_data[:1] == b"{")
    if len(data) * SIZE_PER_STORED_BYTE_MAX > limits.document_bytes_max:
        normalize_document(new, limits)  # measures it, and raises if it has become too large
    return new, data


def _plainly_patched(
    old: Document, old_data: bytes, fields: Document, limits: Limits
) -> Changed | Literal[False] | None:
    """The same for fields that only give simple values to fields that are there: the commonest patch, with nothing to
    check and nothing to normalise. False if these are not of that kind.
    """
    changed = False
    new = old.copy()
    for name, item in fields.items():
        kind = type(item)
        if name not in old or not (
            (kind is int and -SAFE_INTEGER_MAX <= item <= SAFE_INTEGER_MAX)
            or (kind is str and item.isascii())
            or kind is bool
            or item is None
            # Not zero, which has a sign, nor anything that is not finite.
            or (kind is float and item != 0.0 and item - item == 0.0)
        ):
            return False
        was = old[name]
        # Equal Python values of one of these types are equal values; of two types, they may or may not be. System
        # fields were checked to be the same as before.
        if (was == item and (type(was) is kind or values_equal(was, item))) or name[:1] == "_":
            continue
        new[name] = item
        changed = True
    if not changed:
        return None
    data = encode_document(new, plain=old_data[:1] == b"{")
    if len(data) * SIZE_PER_STORED_BYTE_MAX > limits.document_bytes_max:
        normalize_document(new, limits)  # measures it, and raises if it has become too large
    return new, data


def replaced_document(old: Document, value: Document, limits: Limits) -> Changed | None:
    """`value` in the place of `old`, whose system fields it keeps; None if that leaves it equal."""
    document, _, plain = normalize_document({**value, "_id": old["_id"], "_creationTime": old["_creationTime"]}, limits)
    if values_equal(old, document):
        return None
    return document, encode_document(document, plain=plain)


def check_schema(table: Table, document: Document, catalog: Catalog) -> str | None:
    """Raises `SchemaError` if the document breaks the schema in force.

    Returns how it breaks the schema that is being deployed, if it does: that is the deploy's failure (semantics 2.4).
    """
    check, pending = table.check, table.pending_check
    if check is None and pending is None:
        return None
    bare = document.copy()
    del bare["_id"], bare["_creationTime"]
    if check is not None:
        try:
            check(bare, catalog)
        except ValidationFailed as error:
            raise SchemaError(
                f'Failed to insert or update a document in table "{table.name}" because it does not match the schema: '
                f"{error.message}"
            ) from None
    failure = None if pending is None else mismatch(pending, bare, catalog)
    if failure is None:
        return None
    return f'New document in table "{table.name}" does not match the schema: {failure}'


def mismatch(check: Checker, bare: Document, catalog: Catalog) -> str | None:
    """Why a document without system fields fails the check; None if it passes."""
    try:
        check(bare, catalog)
    except ParabolaError as error:
        return error.message
    return None


def without_system_fields(document: Document) -> Document:
    """A shallow copy of the user's own fields."""
    bare = document.copy()
    del bare["_id"], bare["_creationTime"]
    return bare
