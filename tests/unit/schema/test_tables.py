"""define_table and define_schema: semantics 2.1 and 2.5, with every rule and its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola.errors import SchemaError
from parabola.schema.indexes import IndexDefinition, SearchIndexDefinition, VectorIndexDefinition
from parabola.schema.tables import Schema, TableDefinition, define_schema, define_table, doc_validator
from parabola.schema.validators import v


def users() -> TableDefinition:
    return define_table(name=v.string(), email=v.optional(v.string()), profile=v.object({"city": v.string()}))


def test_fields_may_be_keywords_a_dict_or_a_validator() -> None:
    document = v.object({"name": v.string(), "from": v.null()})
    assert define_table({"name": v.string(), "from": v.null()}).document == document
    assert define_table({"name": v.string()}, **{"from": v.null()}).document == document
    assert define_table(document).document == document
    assert define_table(v.any()).document == v.any()
    assert define_table(v.union(document, v.object({}))).document == v.union(document, v.object({}))


@pytest.mark.parametrize(
    "validator",
    [v.string(), v.array(v.any()), v.record(v.string(), v.any()), v.union(v.object({}), v.null()), v.union()],
)
def test_documents_are_objects(validator: Any) -> None:
    with pytest.raises(SchemaError) as refusal:
        define_table(validator)
    assert refusal.value.message == (
        f"The document validator in a schema must be an object, a union of objects, or `v.any()`. Found {validator}."
    )
    assert refusal.value.code == "InvalidTopLevelTypeInSchemaError"


def test_system_fields_may_be_said_and_are_ignored() -> None:
    table = define_table({"_id": v.id("users"), "_creationTime": v.number(), "name": v.string()})
    assert table.document == v.object({"name": v.string()})


def test_other_fields_with_an_underscore_are_refused_also_inside_a_union() -> None:
    for fields in ({"_a": v.string()}, v.union(v.object({}), v.object({"_a": v.string()}))):
        with pytest.raises(SchemaError, match=r"^Field '_a' starts with an underscore"):
            define_table(fields)


def test_indexes_chain_and_are_kept_in_order() -> None:
    table = (
        users()
        .index("by_name", ["name"])
        .index("by_city", ["profile.city", "name"], staged=True)
        .search_index("search", search_field="name", filter_fields=["email"])
    )
    assert table.indexes == (
        IndexDefinition("by_name", ("name",)),
        IndexDefinition("by_city", ("profile.city", "name"), staged=True),
    )
    assert table.search_indexes == (SearchIndexDefinition("search", "name", ("email",)),)
    vectors = define_table(v=v.array(v.number())).vector_index("near", vector_field="v", dimensions=3)
    assert vectors.vector_indexes == (VectorIndexDefinition("near", "v", 3),)
    define_schema(users=table, vectors=vectors)


def test_a_schema_lists_its_tables_and_knows_their_documents() -> None:
    schema = define_schema(users=users(), anything=define_table(v.any()))
    assert list(schema.tables) == ["users", "anything"]
    assert schema.schema_validation
    assert schema.doc("users") == users().document.extend({"_id": v.id("users"), "_creationTime": v.number()})  # type: ignore[attr-defined]
    assert schema.doc("anything") == v.any()
    assert schema.id("users") == v.id("users")
    with pytest.raises(SchemaError) as refusal:
        schema.doc("nope")
    assert refusal.value.message == 'Table "nope" is not in this schema. Tables in this schema: users, anything'
    with pytest.raises(SchemaError, match="Tables in this schema: none"):
        define_schema().id("nope")


def test_system_fields_are_added_to_each_member_of_a_union() -> None:
    table = define_table(v.union(v.object({"a": v.null()}), v.object({"b": v.null()})))
    system = {"_id": v.id("t"), "_creationTime": v.number()}
    assert doc_validator("t", table) == v.union(
        v.object({"a": v.null(), **system}), v.object({"b": v.null(), **system})
    )


def test_tables_may_come_as_one_dict_and_validation_may_be_off() -> None:
    schema = define_schema({"users": users()}, schema_validation=False, strict_table_name_types=False)
    assert list(schema.tables) == ["users"]
    assert not schema.schema_validation


RESERVED = (
    'In table "users" cannot name an index "{}" because the name is reserved. Indexes may not start with an '
    "underscore or "
    'be named "by_id" or "by_creation_time".'
)
INVALID = (
    'Invalid index name: "{}". Identifiers must be 64 characters or less, start with a letter, and only contain '
    "letters, "
    "digits, underscores."
)


def schema_with(build: Callable[[TableDefinition], TableDefinition]) -> Schema:
    return define_schema(users=build(users()))


@pytest.mark.parametrize(
    ("build", "code", "text"),
    [
        (lambda t: t.index("a b", ["name"]), "InvalidIndexName", INVALID.format("a b")),
        (lambda t: t.index("1a", ["name"]), "InvalidIndexName", INVALID.format("1a")),
        (lambda t: t.index("x" * 65, ["name"]), "InvalidIndexName", INVALID.format("x" * 65)),
        (lambda t: t.index("by_id", ["name"]), "IndexNameReserved", RESERVED.format("by_id")),
        (lambda t: t.index("by_creation_time", ["name"]), "IndexNameReserved", RESERVED.format("by_creation_time")),
        (lambda t: t.index("_mine", ["name"]), "IndexNameReserved", RESERVED.format("_mine")),
        (lambda t: t.index("a", []), "EmptyIndex", 'In table "users" index "a" must have at least one field.'),
        (lambda t: t.index("a"), "EmptyIndex", 'In table "users" index "a" must have at least one field.'),
        (
            lambda t: t.index("a", ["name", "_id"]),
            "IndexFieldsContainId",
            "`_id` is not a valid index field. To load documents by ID, use `db.get(id)`.",
        ),
        (
            lambda t: t.index("a", ["name", "_creationTime"]),
            "IndexFieldsContainCreationTime",
            "`_creationTime` is automatically added to the end of each index. It should not be added explicitly in the "
            "index definition.",
        ),
        (
            lambda t: t.index("a", ["_name"]),
            "IndexFieldNameReserved",
            "Reserved fields (starting with `_`) are not allowed in indexes.",
        ),
        (
            lambda t: t.index("a", ["name", "email", "name"]),
            "FieldsNotUniqueWithinIndex",
            "Duplicate field name. Index fields must be unique within an index.",
        ),
        (
            lambda t: t.index("a", ["name", "email", "profile", *[f"profile.f{n}" for n in range(13)]]),
            "IndexTooManyFields",
            "Indexes may have up to 16 fields.",
        ),
        (
            lambda t: t.index("a", ["name"]).index("a", ["email"]),
            "IndexNamesNotUnique",
            'Table "users" has two or more definitions of index "a".',
        ),
        (
            lambda t: t.index("a", ["name"]).search_index("a", search_field="name"),
            "IndexNamesNotUnique",
            'Table "users" has two or more definitions of index "a".',
        ),
        (
            lambda t: t.index("a", ["name"]).index("b", ["name"]),
            "IndexNotUnique",
            'In table "users" index "a" and index "b" have the same fields. Indexes must be unique within a table.',
        ),
        (
            lambda t: t.index("a", ["nope"]),
            "SchemaDefinitionError",
            'In table "users" the index "a" is invalid because it references the field nope that does not exist.',
        ),
        (
            lambda t: t.index("a", ["profile.nope"]),
            "SchemaDefinitionError",
            'In table "users" the index "a" is invalid because it references the field profile.nope that does not '
            "exist.",
        ),
        (
            lambda t: t.index("a", ["name.nope"]),
            "SchemaDefinitionError",
            'In table "users" the index "a" is invalid because it references the field name.nope that does not exist.',
        ),
        (
            lambda t: t.index("a", ["name..x"]),
            "InvalidIndexField",
            'In table "users" the index "a" is invalid because "name..x" is not a field path: identifiers joined by '
            "dots, "
            'such as "profile.name".',
        ),
        (
            lambda t: t.search_index("a", search_field="name", filter_fields=[f"f{n}" for n in range(17)]),
            "SearchIndexTooManyFilterFields",
            "Search indexes may have up to 16 filter fields.",
        ),
        (
            lambda t: t.search_index("a", search_field="name").search_index("b", search_field="name"),
            "SearchIndexFieldNotUnique",
            'In table "users" the search index "a" and the search index "b" have the same `search_field`. Search '
            "fields "
            "must be unique within a table.",
        ),
        (
            lambda t: t.vector_index("a", vector_field="name", dimensions=1),
            "InvalidVectorDimensions",
            "Dimensions 1 must be between 2 and 4096.",
        ),
        (
            lambda t: t.vector_index("a", vector_field="name", dimensions=4097),
            "InvalidVectorDimensions",
            "Dimensions 4097 must be between 2 and 4096.",
        ),
        (
            lambda t: t.vector_index("a", vector_field="name", dimensions=3),
            "SchemaDefinitionError",
            'In table "users" the vector index "a" is invalid because it references the field name that is neither an '
            "array of float64 or optional array of float64.",
        ),
    ],
)
def test_each_rule_of_indexes(build: Callable[[TableDefinition], TableDefinition], code: str, text: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        schema_with(build)
    assert refusal.value.message == text
    assert refusal.value.code == code


def test_a_table_may_have_32_indexes_of_all_kinds() -> None:
    table = define_table({f"f{n}": v.string() for n in range(33)})
    for n in range(31):
        table.index(f"i{n}", [f"f{n}"])
    define_schema(t=table.search_index("s", search_field="f0"))
    with pytest.raises(SchemaError, match=r'^Table "t" cannot have more than 32 indexes\.$'):
        define_schema(t=table.index("i32", ["f32"]))


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("_users", "TableNameReserved", "_users is a reserved table name."),
        (
            "my-table",
            "InvalidTableName",
            'Invalid table name: "my-table". Identifiers must start with a letter and can only contain letters, '
            "digits, and "
            "underscores.",
        ),
    ],
)
def test_table_names(name: str, code: str, text: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        define_schema({name: users()})
    assert refusal.value.message == text
    assert refusal.value.code == code


def test_there_is_a_limit_to_tables() -> None:
    table = define_table()
    with pytest.raises(SchemaError, match=r"^Number of tables cannot exceed 10000\.$"):
        define_schema({f"t{n}": table for n in range(10_001)})


def test_a_table_must_be_made_by_define_table() -> None:
    with pytest.raises(SchemaError, match=r'^Table "users" must be made by define_table\(\), and is dict\.$'):
        define_schema({"users": {"name": v.string()}})  # type: ignore[dict-item]


def test_the_fields_of_an_index_are_a_list() -> None:
    with pytest.raises(SchemaError, match=r"index\(\) takes a list of field names, and was given 'name'"):
        users().index("a", "name")


def test_one_validator_or_fields_by_keyword() -> None:
    with pytest.raises(SchemaError, match="not both"):
        define_table(v.any(), name=v.string())


def test_without_validation_any_field_may_be_indexed() -> None:
    define_schema(users=users().index("a", ["nope"]), schema_validation=False)


@pytest.mark.parametrize(
    "fields",
    [
        {"a": v.any()},
        {"a": v.union(v.string(), v.object({"b": v.optional(v.null())}))},
        {"a": v.record(v.string(), v.null())},
        {"a": v.optional(v.object({"b": v.union(v.null(), v.string())}))},
    ],
)
def test_a_path_need_only_be_possible(fields: dict[str, Any]) -> None:
    define_schema(t=define_table(fields).index("i", ["a.b"]))


def test_a_schema_survives_its_json_form() -> None:
    schema = define_schema(
        users=users()
        .index("by_name", ["name"])
        .index("later", ["email"], staged=True)
        .search_index("s", search_field="name", filter_fields=["email"]),
        vectors=define_table(v=v.optional(v.array(v.float64()))).vector_index("n", vector_field="v", dimensions=2),
        schema_validation=False,
    )
    again = Schema.from_json(schema.to_json())
    assert again == schema
    assert again.tables["users"].indexes == schema.tables["users"].indexes
    assert not again.schema_validation


def test_schemas_are_equal_whatever_the_order_of_their_indexes() -> None:
    one = define_schema(users=users().index("a", ["name"]).index("b", ["email"]))
    two = define_schema(users=users().index("b", ["email"]).index("a", ["name"]))
    assert one == two
    assert one != define_schema(users=users().index("a", ["name"]))
