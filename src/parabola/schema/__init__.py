"""What a table's documents must look like: validators, tables, and the checks compiled from them. Pure."""

from __future__ import annotations

from parabola.schema.changes import is_wider
from parabola.schema.check import NO_TABLES, Checker, TableNames, ValidationFailed, compile_check
from parabola.schema.id_annotation import Id
from parabola.schema.indexes import IndexDefinition, SearchIndexDefinition, VectorIndexDefinition
from parabola.schema.json_form import validator_from_json
from parabola.schema.tables import (
    Schema,
    TableDefinition,
    check_table_name,
    define_schema,
    define_table,
    doc_validator,
    with_system_fields,
)
from parabola.schema.validator_types import IDENTIFIER, Validator, as_validator
from parabola.schema.validators import v

__all__ = [
    "IDENTIFIER",
    "NO_TABLES",
    "Checker",
    "Id",
    "IndexDefinition",
    "Schema",
    "SearchIndexDefinition",
    "TableDefinition",
    "TableNames",
    "ValidationFailed",
    "Validator",
    "VectorIndexDefinition",
    "as_validator",
    "check_table_name",
    "compile_check",
    "define_schema",
    "define_table",
    "doc_validator",
    "is_wider",
    "v",
    "validator_from_json",
    "with_system_fields",
]
