"""Indexes as a schema declares them, and the rules they must keep (semantics 2.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from parabola.errors import SchemaError
from parabola.limits import DEFAULT_LIMITS
from parabola.schema.validator_types import IDENTIFIER

_RESERVED_INDEX_NAMES: Final = ("by_id", "by_creation_time")
_FILTER_FIELDS_MAX: Final = 16
VECTOR_DIMENSIONS_MIN: Final = 2
VECTOR_DIMENSIONS_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """An index over `fields`; `_creationTime` and `_id` follow them implicitly. A staged one cannot be queried."""

    name: str
    fields: tuple[str, ...]
    staged: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form in which a schema is exported."""
        return {"indexDescriptor": self.name, "fields": list(self.fields), "staged": self.staged}


@dataclass(frozen=True, slots=True)
class SearchIndexDefinition:
    """A full-text index over one field."""

    name: str
    search_field: str
    filter_fields: tuple[str, ...] = ()
    staged: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form in which a schema is exported."""
        return {
            "indexDescriptor": self.name,
            "searchField": self.search_field,
            "filterFields": list(self.filter_fields),
            "staged": self.staged,
        }


@dataclass(frozen=True, slots=True)
class VectorIndexDefinition:
    """A nearest-neighbour index over one field that holds vectors of `dimensions` floats."""

    name: str
    vector_field: str
    dimensions: int
    filter_fields: tuple[str, ...] = ()
    staged: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form in which a schema is exported."""
        return {
            "indexDescriptor": self.name,
            "vectorField": self.vector_field,
            "dimensions": self.dimensions,
            "filterFields": list(self.filter_fields),
            "staged": self.staged,
        }


def check_index_name(table: str, name: object) -> None:
    """Raises `SchemaError` unless an index of `table` may have this name."""
    if isinstance(name, str) and (name in _RESERVED_INDEX_NAMES or name.startswith("_")):
        raise SchemaError(
            f'In table "{table}" cannot name an index "{name}" because the name is reserved. Indexes may not start '
            'with an underscore or be named "by_id" or "by_creation_time".',
            code="IndexNameReserved",
        )
    if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
        raise SchemaError(
            f'Invalid index name: "{name}". Identifiers must be 64 characters or less, start with a letter, and only '
            "contain letters, digits, underscores.",
            code="InvalidIndexName",
        )


def check_index_fields(table: str, index: IndexDefinition) -> None:
    """Raises `SchemaError` unless `index` of `table` may have these fields."""
    fields = index.fields
    if not fields:
        raise SchemaError(f'In table "{table}" index "{index.name}" must have at least one field.', code="EmptyIndex")
    if "_id" in fields:
        raise SchemaError(
            "`_id` is not a valid index field. To load documents by ID, use `db.get(id)`.", code="IndexFieldsContainId"
        )
    if "_creationTime" in fields:
        raise SchemaError(
            "`_creationTime` is automatically added to the end of each index. It should not be added explicitly in the "
            "index definition.",
            code="IndexFieldsContainCreationTime",
        )
    for at, field in enumerate(fields):
        if field.startswith("_"):
            raise SchemaError(
                "Reserved fields (starting with `_`) are not allowed in indexes.", code="IndexFieldNameReserved"
            )
        check_field_path(table, index.name, field)
        if field in fields[:at]:
            raise SchemaError(
                f"Duplicate field {field}. Index fields must be unique within an index.",
                code="FieldsNotUniqueWithinIndex",
            )
    if len(fields) + 1 > DEFAULT_LIMITS.fields_per_index_max:
        raise SchemaError(
            f"Indexes may have up to {DEFAULT_LIMITS.fields_per_index_max} fields.", code="IndexTooManyFields"
        )


def check_field_path(table: str, index: str, path: str) -> None:
    """Raises `SchemaError` unless `path` is identifiers joined by dots."""
    if not all(IDENTIFIER.fullmatch(part) for part in path.split(".")):
        raise SchemaError(
            f'In table "{table}" the index "{index}" is invalid because "{path}" is not a field path: '
            'identifiers joined by dots, such as "profile.name".',
            code="InvalidIndexField",
        )


def check_filter_fields(table: str, index: str, kind: str, fields: Sequence[str]) -> None:
    """Raises `SchemaError` unless a search or vector index may have these filter fields."""
    if len(fields) > _FILTER_FIELDS_MAX:
        raise SchemaError(
            f"{kind} indexes may have up to {_FILTER_FIELDS_MAX} filter fields.", code=f"{kind}IndexTooManyFilterFields"
        )
    for at, field in enumerate(fields):
        check_field_path(table, index, field)
        if field in fields[:at]:
            raise SchemaError(
                f"Duplicate field {field}. Index fields must be unique within an index.",
                code="FieldsNotUniqueWithinIndex",
            )
