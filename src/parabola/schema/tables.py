"""`define_table` and `define_schema`: what a schema module writes (semantics 2.1, 2.5).

A table checks what it can as soon as it is said (fields of an index, duplicate names), and the schema checks the rest
once the table has a name: an error then names table and index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from parabola.errors import SchemaError
from parabola.limits import DEFAULT_LIMITS
from parabola.schema.field_paths import can_hold_vector, field_may_exist
from parabola.schema.indexes import (
    VECTOR_DIMENSIONS_MAX,
    VECTOR_DIMENSIONS_MIN,
    IndexDefinition,
    SearchIndexDefinition,
    VectorIndexDefinition,
    check_field_path,
    check_filter_fields,
    check_index_fields,
    check_index_name,
)
from parabola.schema.json_form import validator_from_json
from parabola.schema.validator_types import (
    IDENTIFIER,
    AnyValidator,
    Float64Validator,
    IdValidator,
    ObjectValidator,
    UnionValidator,
    Validator,
    as_validator,
)

_SYSTEM_FIELDS: Final = ("_id", "_creationTime")


class TableDefinition:
    """One table: the validator of its documents, without system fields, and its indexes. Methods chain."""

    __slots__ = ("_indexes", "_search_indexes", "_vector_indexes", "document")

    document: Validator

    def __init__(self, document: Validator) -> None:
        self.document = _without_system_fields(document)
        self._indexes: list[IndexDefinition] = []
        self._search_indexes: list[SearchIndexDefinition] = []
        self._vector_indexes: list[VectorIndexDefinition] = []

    @property
    def indexes(self) -> tuple[IndexDefinition, ...]:
        """The database indexes, in the order they were declared; `by_id` and `by_creation_time` are not among them."""
        return tuple(self._indexes)

    @property
    def search_indexes(self) -> tuple[SearchIndexDefinition, ...]:
        """The full-text indexes."""
        return tuple(self._search_indexes)

    @property
    def vector_indexes(self) -> tuple[VectorIndexDefinition, ...]:
        """The vector indexes."""
        return tuple(self._vector_indexes)

    def index(self, name: str, fields: Sequence[str] | None = None, *, staged: bool = False) -> TableDefinition:
        """Adds an index over `fields`, then `_creationTime`. A field may be a path, as `"profile.name"`.

        `staged=True` builds it without making a deploy wait; it cannot be queried until the flag is gone.
        """
        self._indexes.append(IndexDefinition(name, _names("index()", fields), staged))
        return self

    def search_index(
        self, name: str, *, search_field: str, filter_fields: Sequence[str] = (), staged: bool = False
    ) -> TableDefinition:
        """Adds a full-text index over `search_field`, which can be narrowed by equality on `filter_fields`."""
        filters = _names("search_index()", filter_fields)
        self._search_indexes.append(SearchIndexDefinition(name, search_field, filters, staged))
        return self

    def vector_index(
        self,
        name: str,
        *,
        vector_field: str,
        dimensions: int,
        filter_fields: Sequence[str] = (),
        staged: bool = False,
    ) -> TableDefinition:
        """Adds a nearest-neighbour index over the vectors in `vector_field`, each of `dimensions` (2 to 4096)
        floats.
        """
        filters = _names("vector_index()", filter_fields)
        self._vector_indexes.append(VectorIndexDefinition(name, vector_field, dimensions, filters, staged))
        return self

    def to_json(self, name: str) -> dict[str, Any]:
        """The form in which a schema is exported."""
        return {
            "tableName": name,
            "indexes": [index.to_json() for index in self._indexes if not index.staged],
            "stagedDbIndexes": [index.to_json() for index in self._indexes if index.staged],
            "searchIndexes": [index.to_json() for index in self._search_indexes],
            "vectorIndexes": [index.to_json() for index in self._vector_indexes],
            "documentType": self.document.to_json(),
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> TableDefinition:
        """The table that `to_json` wrote."""
        table = cls(validator_from_json(form["documentType"]))
        for index in (*form["indexes"], *form["stagedDbIndexes"]):
            table.index(index["indexDescriptor"], index["fields"], staged=index["staged"])
        for index in form["searchIndexes"]:
            table.search_index(
                index["indexDescriptor"],
                search_field=index["searchField"],
                filter_fields=index["filterFields"],
                staged=index["staged"],
            )
        for index in form["vectorIndexes"]:
            table.vector_index(
                index["indexDescriptor"],
                vector_field=index["vectorField"],
                dimensions=index["dimensions"],
                filter_fields=index["filterFields"],
                staged=index["staged"],
            )
        return table

    def _key(self) -> tuple[Any, ...]:
        # The order in which indexes were declared means nothing.
        return (
            self.document,
            frozenset(self._indexes),
            frozenset(self._search_indexes),
            frozenset(self._vector_indexes),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TableDefinition) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]  # tables are built by chaining, so they change

    def __repr__(self) -> str:
        return f"define_table({self.document})" + "".join(
            [f'.index("{index.name}", {list(index.fields)})' for index in self._indexes]
        )


class Schema:
    """The tables of a backend. Documents of tables that are not listed are not checked."""

    __slots__ = ("schema_validation", "strict_table_name_types", "tables")

    tables: Mapping[str, TableDefinition]
    schema_validation: bool
    strict_table_name_types: bool

    def __init__(
        self,
        tables: Mapping[str, TableDefinition],
        *,
        schema_validation: bool = True,
        strict_table_name_types: bool = True,
    ) -> None:
        self.tables = MappingProxyType(dict(tables))
        self.schema_validation = schema_validation
        self.strict_table_name_types = strict_table_name_types

    def doc(self, table: str) -> Validator:
        """The validator of a whole document of `table`, with `_id` and `_creationTime`. Raises `SchemaError`."""
        return with_system_fields(table, self._table(table).document)

    def id(self, table: str) -> IdValidator:
        """`v.id(table)`, for a table that is in this schema. Raises `SchemaError`."""
        self._table(table)
        return IdValidator(table)

    def _table(self, name: str) -> TableDefinition:
        table = self.tables.get(name)
        if table is None:
            raise SchemaError(
                f'Table "{name}" is not in this schema. Tables in this schema: {", ".join(self.tables) or "none"}',
                code="TableNotInSchema",
            )
        return table

    def to_json(self) -> dict[str, Any]:
        """The schema as JSON; `from_json` reads it back, with checks made from functions by name only."""
        return {
            "tables": [table.to_json(name) for name, table in self.tables.items()],
            "schemaValidation": self.schema_validation,
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Schema:
        """The schema that `to_json` wrote."""
        tables = {table["tableName"]: TableDefinition.from_json(table) for table in form["tables"]}
        return cls(tables, schema_validation=form["schemaValidation"])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Schema)
            and self.schema_validation == other.schema_validation
            and dict(self.tables) == dict(other.tables)
        )

    __hash__ = None  # type: ignore[assignment]  # its tables have none

    def __repr__(self) -> str:
        return f"define_schema({', '.join(self.tables)})"


def define_table(fields: Validator | Mapping[str, Any] | None = None, /, **more: Any) -> TableDefinition:
    """A table whose documents have these fields, or match this validator: an object, a union of objects, or `v.any()`.

    `define_table(name=v.string())`, `define_table({"id": v.string()})`, or `define_table(v.union(…))`. `_id` and
    `_creationTime` are on every document and need not be said. Raises `SchemaError`.
    """
    if fields is None:
        return TableDefinition(ObjectValidator(more))
    if isinstance(fields, Mapping):
        return TableDefinition(ObjectValidator({**fields, **more}))
    if more:
        raise SchemaError(
            "define_table() takes either one validator or fields by keyword, not both.", code="InvalidSchema"
        )
    return TableDefinition(as_validator(fields, "define_table() takes a dict of validators, or a validator"))


def define_schema(
    tables: Mapping[str, TableDefinition] | None = None,
    /,
    *,
    schema_validation: bool = True,
    strict_table_name_types: bool = True,
    **more: TableDefinition,
) -> Schema:
    """The schema of a backend: tables by keyword, or as one dict.

    `schema_validation=False` checks no document, and still builds the indexes. `strict_table_name_types` is accepted
    for its name's sake and has no effect at run time. Raises `SchemaError` for a table or an index that cannot be.
    """
    if tables is not None and not isinstance(tables, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SchemaError(
            f"define_schema() takes tables by keyword, or one dict of them, not {type(tables).__name__}.",
            code="InvalidSchema",
        )
    if not isinstance(schema_validation, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SchemaError(
            f"schema_validation is True or False, not {type(schema_validation).__name__}. A table of that name must be "
            "given in a dict: define_schema({…}).",
            code="InvalidSchema",
        )
    everything: dict[str, TableDefinition] = {**(tables or {}), **more}
    if len(everything) > DEFAULT_LIMITS.tables_max:
        raise SchemaError(f"Number of tables cannot exceed {DEFAULT_LIMITS.tables_max}.", code="TooManyTables")
    for name, table in everything.items():
        check_table_name(name)
        if not isinstance(table, TableDefinition):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise SchemaError(
                f'Table "{name}" must be made by define_table(), and is {type(table).__name__}.', code="InvalidSchema"
            )
        _check_table(name, table, schema_validation)
    return Schema(everything, schema_validation=schema_validation, strict_table_name_types=strict_table_name_types)


def check_table_name(name: object) -> None:
    """Raises `SchemaError` unless a user's table may have this name."""
    if isinstance(name, str) and name.startswith("_"):
        raise SchemaError(f"{name} is a reserved table name.", code="TableNameReserved")
    if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
        raise SchemaError(
            f'Invalid table name: "{name}". Identifiers must start with a letter and can only contain letters, digits, '
            "and underscores.",
            code="InvalidTableName",
        )


def with_system_fields(table: str, document: Validator) -> Validator:
    """A document's validator with `_id` and `_creationTime` added, to each member of a union; `v.any()` stays."""
    if isinstance(document, ObjectValidator):
        return document.extend({"_id": IdValidator(table), "_creationTime": Float64Validator()})
    if isinstance(document, UnionValidator):
        return UnionValidator([with_system_fields(table, member) for member in document.members])
    return document


def doc_validator(table: str, definition: TableDefinition) -> Validator:
    """`Schema.doc` without a schema: the validator of a whole document of a table."""
    return with_system_fields(table, definition.document)


def _without_system_fields(document: Validator) -> Validator:
    """The validator of a table, checked: an object, a union of objects, or any."""
    if isinstance(document, AnyValidator) and not document.is_optional:
        return document
    members = document.members if isinstance(document, UnionValidator) else (document,)
    if document.is_optional or not members or not all(isinstance(member, ObjectValidator) for member in members):
        raise SchemaError(
            "The document validator in a schema must be an object, a union of objects, or `v.any()`. "
            f"Found {document}.",
            code="InvalidTopLevelTypeInSchemaError",
        )
    stripped = [_strip_object(member) for member in members if isinstance(member, ObjectValidator)]
    return UnionValidator(stripped) if isinstance(document, UnionValidator) else stripped[0]


def _strip_object(member: ObjectValidator) -> ObjectValidator:
    for name in member.fields:
        if name.startswith("_") and name not in _SYSTEM_FIELDS:
            raise SchemaError(
                f"Field '{name}' starts with an underscore, which is only allowed for system fields like '_id'",
                code="InvalidFieldName",
            )
    return member.omit(*_SYSTEM_FIELDS)


def _check_table(name: str, table: TableDefinition, schema_validation: bool) -> None:
    names: set[str] = set()
    for index_name in [
        *[index.name for index in table.indexes],
        *[index.name for index in table.search_indexes],
        *[index.name for index in table.vector_indexes],
    ]:
        check_index_name(name, index_name)
        if index_name in names:
            raise SchemaError(
                f'Table "{name}" has two or more definitions of index "{index_name}".', code="IndexNamesNotUnique"
            )
        names.add(index_name)
    if len(names) > DEFAULT_LIMITS.indexes_per_table_max:
        raise SchemaError(
            f'Table "{name}" cannot have more than {DEFAULT_LIMITS.indexes_per_table_max} indexes.',
            code="TooManyIndexes",
        )
    # What no document may have cannot be indexed, unless documents are not checked.
    document = table.document if schema_validation else None
    _check_database_indexes(name, table, document)
    _check_search_indexes(name, table, document)
    _check_vector_indexes(name, table, document)


def _check_database_indexes(name: str, table: TableDefinition, document: Validator | None) -> None:
    by_fields: dict[tuple[str, ...], str] = {}
    for index in table.indexes:
        check_index_fields(name, index)
        if index.fields in by_fields:
            raise SchemaError(
                f'In table "{name}" index "{by_fields[index.fields]}" and index "{index.name}" have the same fields. '
                "Indexes must be unique within a table.",
                code="IndexNotUnique",
            )
        by_fields[index.fields] = index.name
        _check_fields_exist(name, index.name, index.fields, document)


def _check_search_indexes(name: str, table: TableDefinition, document: Validator | None) -> None:
    searched: dict[str, str] = {}
    for index in table.search_indexes:
        check_field_path(name, index.name, index.search_field)
        check_filter_fields(name, index.name, "Search", index.filter_fields)
        if index.search_field in searched:
            raise SchemaError(
                f'In table "{name}" the search index "{searched[index.search_field]}" and the search index '
                f'"{index.name}" have the same `search_field`. Search fields must be unique within a table.',
                code="SearchIndexFieldNotUnique",
            )
        searched[index.search_field] = index.name
        _check_fields_exist(name, index.name, (index.search_field, *index.filter_fields), document)


def _check_vector_indexes(name: str, table: TableDefinition, document: Validator | None) -> None:
    fields: dict[str, str] = {}
    for index in table.vector_indexes:
        dimensions = index.dimensions
        if type(dimensions) is not int or not VECTOR_DIMENSIONS_MIN <= dimensions <= VECTOR_DIMENSIONS_MAX:
            raise SchemaError(
                f"Dimensions {dimensions} must be between {VECTOR_DIMENSIONS_MIN} and {VECTOR_DIMENSIONS_MAX}.",
                code="InvalidVectorDimensions",
            )
        check_field_path(name, index.name, index.vector_field)
        check_filter_fields(name, index.name, "Vector", index.filter_fields)
        if index.vector_field in fields:
            raise SchemaError(
                f'In table "{name}" the vector index "{fields[index.vector_field]}" and the vector index '
                f'"{index.name}" have the same `vector_field`. Vector fields must be unique within a table.',
                code="VectorIndexFieldNotUnique",
            )
        fields[index.vector_field] = index.name
        _check_fields_exist(name, index.name, (index.vector_field, *index.filter_fields), document)
        if document is not None and not can_hold_vector(document, index.vector_field):
            raise SchemaError(
                f'In table "{name}" the vector index "{index.name}" is invalid because it references the field '
                f"{index.vector_field} that is neither an array of float64 or optional array of float64.",
                code="SchemaDefinitionError",
            )


def _check_fields_exist(table: str, index: str, fields: Iterable[str], document: Validator | None) -> None:
    for field in fields:
        if document is not None and not field_may_exist(document, field):
            raise SchemaError(
                f'In table "{table}" the index "{index}" is invalid because it references the field {field} that does '
                "not exist.",
                code="SchemaDefinitionError",
            )


def _names(where: str, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, Mapping):
        raise SchemaError(
            f'{where} takes a list of field names, not a dict. Write .index("by_name", ["name"], staged=True) for a '
            "staged one.",
            code="InvalidSchema",
        )
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SchemaError(
            f"{where} takes a list of field names, and was given {names!r}. Write [{names!r}] for a single field.",
            code="InvalidSchema",
        )
    return tuple(names)
