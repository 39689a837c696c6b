"""From what user code hands to a write, to a document that may be stored.

The checks run in the order of semantics 5.1: structure, then schema. Each function takes and gives whole documents
with their system fields; the schema sees them without.
"""

from __future__ import annotations

from parabola.database.catalog import Catalog, Table
from parabola.database.key_functions import Document
from parabola.errors import ParabolaError, SchemaError
from parabola.limits import Limits
from parabola.schema.check import Checker, ValidationFailed
from parabola.values.model import UNDEFINED, NormalizedDocument, normalize_document
from parabola.values.order import values_equal


def new_document(value: Document, document_id: str, creation_time: float, limits: Limits) -> NormalizedDocument:
    """A copy of `value` with its system fields. Raises `InvalidValue`."""
    normalized = normalize_document(value, limits)
    normalized.document["_id"] = document_id
    normalized.document["_creationTime"] = creation_time
    return normalized


def patched_document(old: Document, fields: Document, limits: Limits) -> NormalizedDocument | None:
    """`old` with `fields` set or, where they are `UNDEFINED`, removed; None if that leaves it equal."""
    merged = {**old, **fields}
    for name, item in fields.items():
        if item is UNDEFINED:
            # Removing a system field has no meaning; it is given to be ignored, as Convex does.
            if name == "_id" or name == "_creationTime":
                merged[name] = old[name]
            else:
                del merged[name]
    normalized = normalize_document(merged, limits)
    new = normalized.document
    new["_creationTime"] = old["_creationTime"]
    for name in fields:
        if name in new:
            if name not in old or not values_equal(old[name], new[name]):
                return normalized
        elif name in old:
            return normalized
    return None


def replaced_document(old: Document, value: Document, limits: Limits) -> NormalizedDocument | None:
    """`value` in the place of `old`, whose system fields it keeps; None if that leaves it equal."""
    normalized = normalize_document(
        {**value, "_id": old["_id"], "_creationTime": old["_creationTime"]}, limits
    )
    return None if values_equal(old, normalized.document) else normalized


def check_schema(table: Table, document: Document, catalog: Catalog) -> str | None:
    """Raises `SchemaError` if the document breaks the schema in force.

    Returns how it breaks the schema that is being deployed, if it does: that is the deploy's failure (semantics 2.4).
    """
    check, pending = table.check, table.pending_check
    if check is None and pending is None:
        return None
    bare = without_system_fields(document)
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
