"""Semantics 4.1 and 5: reading and writing documents."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from parabola.database.receipt import Receipt
from parabola.database.system_tables import by_id_index_number
from parabola.database.transaction import Transaction
from parabola.errors import DeveloperError, InvalidFunctionCall, InvalidValue, SchemaError
from parabola.schema.tables import define_schema, define_table
from parabola.schema.validators import v
from parabola.values.ids import encode_id
from parabola.values.model import UNDEFINED, Int64
from tests.unit.database.helpers import commit, fails, fill, open_database, touches, write

SCHEMA = define_schema(users=define_table(name=v.string(), age=v.optional(v.number())).index("by_name", ["name"]))


# get


def test_a_document_comes_back_with_its_system_fields() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"a": 1})
    document = database.begin_query().get(one)
    assert document is not None
    assert set(document) == {"_id", "_creationTime", "a"}
    assert document["_id"] == one


def test_documents_are_fresh_copies() -> None:
    database = open_database()
    source: dict[str, Any] = {"list": [1]}
    (one,) = fill(database, "t", source)
    source["list"].append(2)
    tx = database.begin_mutation()
    read = tx.get(one)
    assert read is not None
    read["list"].append(3)
    again = tx.get(one)
    assert again is not None
    assert again["list"] == [1]


def test_get_refuses_what_is_no_id() -> None:
    tx = open_database().begin_query()
    fails("InvalidArgument", "Must provide arg 1 `id` to `get`", lambda: tx.get(UNDEFINED))
    fails(
        "InvalidArgument",
        "Invalid argument `id` for `db.get`, expected string but got 'int': 5",
        lambda: tx.get(5),
    )
    fails(
        "InvalidArgument",
        "Invalid argument `id` for `db.get`: Unable to decode ID: Invalid ID length 3",
        lambda: tx.get("abc"),
    )


def test_get_of_an_unknown_table_is_null() -> None:
    assert open_database().begin_query().get(encode_id(12_345, bytes(16))) is None


def test_get_checks_the_table_that_was_named() -> None:
    database = open_database()
    (one,) = fill(database, "a", {})
    fill(database, "b", {})
    tx = database.begin_query()
    assert tx.get(one, "a") is not None
    fails(
        "InvalidArgument",
        'Invalid argument `id` for `db.get`: expected to be an Id<"b">, got Id<"a"> instead.',
        lambda: tx.get(one, "b"),
    )


def test_each_side_keeps_to_its_tables() -> None:
    database = open_database()
    (user,) = fill(database, "t", {})
    job = write(database, lambda tx: tx.system_insert("_scheduled_functions", {"name": "m:f"}))
    setting = write(database, lambda tx: tx.system_insert("_settings", {"key": "x"}))
    tx = database.begin_query()
    text = "System tables can only be accessed with db.system."
    fails("SystemTableError", text, lambda: tx.get(job))
    fails("SystemTableError", "User tables cannot be accessed with db.system.", lambda: tx.get(user, system=True))
    found = tx.get(job, system=True)
    assert found is not None
    assert found["name"] == "m:f"
    assert tx.get(setting, system=True) is None


# normalize_id


def test_normalize_id_knows_ids_of_its_table_only() -> None:
    database = open_database()
    (one,) = fill(database, "a", {})
    fill(database, "b", {})
    tx = database.begin_query()
    assert tx.normalize_id("a", one) == one
    assert tx.normalize_id("b", one) is None
    assert tx.normalize_id("a", "rubbish") is None
    assert tx.normalize_id("nowhere", one) is None
    write(database, lambda tx: tx.delete(one))
    assert database.begin_query().normalize_id("a", one) == one


def test_normalize_id_depends_on_the_table_and_not_on_the_document() -> None:
    database = open_database()
    (one,) = fill(database, "a", {})
    tx = database.begin_query()
    tx.normalize_id("a", one)
    assert not touches(database, tx, lambda tx: tx.delete(one))
    tx.normalize_id("later", one)
    assert touches(database, tx, lambda tx: tx.insert("later", {}))


# insert


def test_insertion_order_is_the_order_of_creation_times() -> None:
    database = open_database()
    fill(database, "t", *({"n": n} for n in range(50)))
    documents = database.begin_query().query("t").collect()
    assert [document["n"] for document in documents] == list(range(50))
    times = [document["_creationTime"] for document in documents]
    assert sorted(set(times)) == times


def test_insert_refuses_what_it_must() -> None:
    tx = open_database().begin_mutation()
    text = "Invalid argument `value` for `db.insert`: Value must be an Object"
    fails("InvalidArgument", text, lambda: tx.insert("t", [1]))
    fails("SystemTableError", "System tables (prefixed with `_`) are read-only.", lambda: tx.insert("_tables", {}))
    fails(
        "InvalidTableName",
        'Invalid table name: "no good". Identifiers must start with a letter and can only contain letters, digits, '
        "and underscores.",
        lambda: tx.insert("no good", {}),
    )
    with pytest.raises(InvalidValue, match="starts with an underscore"):
        tx.insert("t", {"_own": 1})
    nested: Any = 1
    for _ in range(17):
        nested = [nested]
    with pytest.raises(InvalidValue, match="too nested"):
        tx.insert("t", {"a": nested})
    with pytest.raises(DeveloperError, match="doesn't match '_id' field") as caught:
        tx.insert("t", {"_id": "own"})
    assert caught.value.code == "InvalidIdError"
    with pytest.raises(DeveloperError, match="doesn't match '_creationTime' field") as caught:
        tx.insert("t", {"_creationTime": 1.0})
    assert caught.value.code == "InvalidCreationTimeError"


def test_a_document_that_breaks_the_schema() -> None:
    tx = open_database(SCHEMA).begin_mutation()
    with pytest.raises(SchemaError) as caught:
        tx.insert("users", {"name": 1})
    assert caught.value.code == "SchemaEnforcementError"
    assert caught.value.message.startswith(
        'Failed to insert or update a document in table "users" because it does not match the schema: '
        "Value does not match validator.\nPath: .name"
    )


def test_tables_outside_the_schema_take_anything() -> None:
    database = open_database(SCHEMA)
    fill(database, "free", {"name": 1})
    assert len(database.begin_query().query("free").collect()) == 1


# patch, replace, delete


def test_patch_is_shallow() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"a": {"x": 1, "y": 2}, "b": 1, "c": 1})
    write(database, lambda tx: tx.patch(one, {"a": {"x": 5}, "b": UNDEFINED, "d": None}))
    document = database.begin_query().get(one)
    assert document is not None
    assert {name: item for name, item in document.items() if name[0] != "_"} == {"a": {"x": 5}, "c": 1, "d": None}


def test_replace_keeps_the_system_fields() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"a": 1, "b": 2})
    before = database.begin_query().get(one)
    assert before is not None
    write(database, lambda tx: tx.replace(one, {"c": 3, "_id": one}))
    assert database.begin_query().get(one) == {"_id": one, "_creationTime": before["_creationTime"], "c": 3}


def test_system_fields_may_be_given_if_they_are_right() -> None:
    database = open_database()
    (one, other) = fill(database, "t", {"a": 1}, {})
    document = database.begin_query().get(one)
    assert document is not None
    write(database, lambda tx: tx.patch(one, {**document, "a": 2}))
    with pytest.raises(DeveloperError) as caught:
        database.begin_mutation().patch(one, {"_id": other})
    assert caught.value.code == "InvalidIdError"


@pytest.mark.parametrize(("method", "word"), [("patch", "Update"), ("replace", "Replace"), ("delete", "Delete")])
def test_writing_to_a_document_that_is_not_there(method: str, word: str) -> None:
    database = open_database()
    (one,) = fill(database, "t", {})
    write(database, lambda tx: tx.delete(one))
    tx = database.begin_mutation()
    arguments: tuple[Any, ...] = () if method == "delete" else ({},)
    fails(
        "NonexistentDocument",
        f"{word} on nonexistent document ID {one}",
        lambda: getattr(tx, method)(one, *arguments),
    )
    gone = encode_id(12_345, bytes(16))
    fails(
        "InvalidArgument",
        f'Invalid argument `id` for `db.{method}`: Table for ID "{gone}" not found',
        lambda: getattr(tx, method)(gone, *arguments),
    )
    fails(
        "InvalidArgument",
        f'Invalid argument `id` for `db.{method}`: expected to be an Id<"u">, got Id<"t"> instead.',
        lambda: getattr(tx, method)(one, *arguments, table="u"),
    )


def test_system_tables_are_read_only() -> None:
    database = open_database()
    job = write(database, lambda tx: tx.system_insert("_scheduled_functions", {"name": "m:f"}))
    text = "System tables (prefixed with `_`) are read-only."
    fails("SystemTableError", text, lambda: database.begin_mutation().delete(job))


@pytest.mark.parametrize("change", [{}, {"a": 1.0}, {"a": 1, "list": [1.0, None]}, {"missing": UNDEFINED}], ids=repr)
def test_a_patch_that_changes_nothing_is_not_a_write(change: dict[str, Any]) -> None:
    database = open_database()
    (one,) = fill(database, "t", {"a": 1, "list": [1, None]})
    before = database.latest_ts
    tx = database.begin_mutation()
    tx.patch(one, change)
    assert tx.metrics()["documentsWritten"]["used"] == 0
    result = commit(database, tx)
    assert result.ts == before == database.latest_ts


def _set_a(document_id: str, value: Any, tx: Transaction) -> None:
    tx.patch(document_id, {"a": value})


def test_minus_zero_is_a_change_and_so_is_a_64_bit_integer() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"a": 0.0})
    for value in (-0.0, Int64(0), False):
        before = database.latest_ts
        write(database, partial(_set_a, one, value))
        assert database.latest_ts > before


def test_a_replace_by_an_equal_document_is_not_a_write() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"a": 1, "b": {"c": "x"}})
    before = database.latest_ts
    write(database, lambda tx: tx.replace(one, {"b": {"c": "x"}, "a": 1.0}))
    assert database.latest_ts == before


def test_removing_a_required_field_breaks_the_schema() -> None:
    database = open_database(SCHEMA)
    (one,) = fill(database, "users", {"name": "n", "age": 1})
    tx = database.begin_mutation()
    tx.patch(one, {"age": UNDEFINED})
    with pytest.raises(SchemaError, match="missing the required field `name`"):
        tx.patch(one, {"name": UNDEFINED})


def test_a_document_grows_up_to_its_limit() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"a": "x" * 600_000})
    write(database, lambda tx: tx.patch(one, {"b": "x" * 400_000}))
    with pytest.raises(InvalidValue, match="Value is too large"):
        database.begin_mutation().patch(one, {"c": "x" * 400_000})


# within one transaction


def test_writes_are_seen_at_once() -> None:
    database = open_database()
    tx = database.begin_mutation()
    one = tx.insert("t", {"a": 1})
    tx.patch(one, {"a": 2})
    document = tx.get(one)
    assert document is not None
    assert document["a"] == 2
    tx.delete(one)
    assert tx.get(one) is None
    assert tx.query("t").collect() == []
    fails("NonexistentDocument", f"Delete on nonexistent document ID {one}", lambda: tx.delete(one))


def test_a_document_that_came_and_went_leaves_no_commit() -> None:
    database = open_database()
    fill(database, "t", {})
    before = database.latest_ts
    write(database, lambda tx: tx.delete(tx.insert("t", {"a": 1})))
    assert database.latest_ts == before


def test_several_writes_to_one_document_commit_as_one() -> None:
    database = open_database(SCHEMA)
    (one,) = fill(database, "users", {"name": "a"})

    def work(tx: Any) -> None:
        tx.patch(one, {"name": "b"})
        tx.patch(one, {"name": "c"})

    write(database, work)
    query = database.begin_query()
    names = [document["name"] for document in query.query("users").with_index("by_name").collect()]
    assert names == ["c"]


def test_a_query_cannot_write() -> None:
    with pytest.raises(InvalidFunctionCall):
        open_database().begin_query().insert("t", {})


def test_a_closed_transaction_refuses_every_call() -> None:
    database = open_database()
    (one,) = fill(database, "t", {})
    tx = database.begin_mutation()
    query = tx.query("t")
    tx.close()
    for call in (
        lambda: tx.get(one),
        lambda: tx.insert("t", {}),
        lambda: tx.query("t"),
        lambda: query.collect(),
        lambda: tx.begin_nested(),
    ):
        with pytest.raises(InvalidFunctionCall, match="had ended"):
            call()


# nested calls


def test_a_nested_call_that_is_undone_leaves_no_writes() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"n": 1})
    tx = database.begin_mutation()
    tx.patch(one, {"n": 2})
    tx.begin_nested()
    tx.patch(one, {"n": 3})
    inner = tx.insert("t", {"n": 9})
    tx.begin_nested()
    tx.delete(one)
    tx.commit_nested()
    tx.rollback_nested()
    document = tx.get(one)
    assert document is not None
    assert document["n"] == 2
    assert tx.get(inner) is None
    assert tx.metrics()["documentsWritten"]["used"] == 1
    commit(database, tx)
    assert [document["n"] for document in database.begin_query().query("t").collect()] == [2]


def test_a_nested_call_that_is_undone_takes_its_new_table_along() -> None:
    database = open_database()
    tx = database.begin_mutation()
    tx.begin_nested()
    tx.insert("new", {})
    tx.rollback_nested()
    tx.insert("other", {})
    commit(database, tx)
    assert database.catalog.table("new") is None
    assert database.catalog.table("other") is not None


def test_reads_of_an_undone_nested_call_stay_in_the_read_set() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"n": 1})
    tx = database.begin_mutation()
    tx.begin_nested()
    tx.get(one)
    tx.rollback_nested()
    assert touches(database, tx, lambda tx: tx.patch(one, {"n": 2}))


# the read set (semantics 7.2)


def test_get_depends_on_the_document_found_or_not() -> None:
    database = open_database()
    (one, other) = fill(database, "t", {"n": 1}, {"n": 2})
    tx = database.begin_query()
    tx.get(one)
    assert not touches(database, tx, lambda tx: tx.patch(other, {"n": 3}))
    assert touches(database, tx, lambda tx: tx.delete(one))
    gone = database.begin_query()
    assert gone.get(one) is None
    assert gone.read_set.range_count == 1


def test_an_insert_depends_on_no_document() -> None:
    database = open_database()
    fill(database, "t", {})
    first, second = database.begin_mutation(), database.begin_mutation()
    first.insert("t", {})
    second.insert("t", {})
    assert commit(database, first).conflict is None
    assert commit(database, second).conflict is None


def test_two_transactions_that_create_one_table_conflict() -> None:
    database = open_database()
    first, second = database.begin_mutation(), database.begin_mutation()
    first.insert("t", {})
    second.insert("t", {})
    assert commit(database, first).conflict is None
    assert commit(database, second).conflict is not None


def test_reading_a_table_that_does_not_exist_depends_on_its_creation() -> None:
    database = open_database()
    tx = database.begin_query()
    assert tx.query("t").with_index("by_whatever", lambda q: q.eq("x", 1)).collect() == []
    assert touches(database, tx, lambda tx: tx.insert("t", {}))


# system access


def test_system_documents_are_written_and_found_without_counting() -> None:
    database = open_database()

    def record(tx: Any) -> None:
        tx.system_insert("_environment_variables", {"name": "s", "value": "v"})
        assert tx.metrics()["documentsWritten"]["used"] == 0

    write(database, record)
    tx = database.begin_mutation()

    def find(tx: Any) -> Any:
        query = tx.system_query("_environment_variables")
        return query.with_index("by_name", lambda q: q.eq("name", "s")).unique()

    found = find(tx)
    assert found["value"] == "v"
    assert tx.metrics()["documentsRead"]["used"] == 0
    tx.system_patch("_environment_variables", found["_id"], {"value": "w"})
    again = tx.system_get("_environment_variables", found["_id"])
    assert again is not None
    assert again["value"] == "w"
    tx.system_replace("_environment_variables", found["_id"], {"name": "z", "value": "v"})
    assert find(tx) is None
    tx.system_delete("_environment_variables", found["_id"])
    commit(database, tx)
    assert find(database.begin_query()) is None


def leave_receipt(tx: Transaction, document_id: str, evidence: bytes) -> None:
    head = b'{"_creationTime":1.0,"_id":"%b","answer":"' % document_id.encode()
    tx.receipt = Receipt(4, (by_id_index_number(4),) * 2, document_id, evidence, head, b'!"}')


def test_a_receipt_that_is_known_to_be_absent_is_evidence_without_a_read() -> None:
    database = open_database()
    document_id, evidence = encode_id(4, bytes(16)), b"\x10mine\x00"
    tx = database.begin_query()
    tx.note_no_receipt(by_id_index_number(4), evidence)
    assert not touches(database, tx, lambda tx: leave_receipt(tx, encode_id(4, b"y" * 16), b"\x10yours\x00"))
    assert touches(database, tx, lambda tx: leave_receipt(tx, document_id, evidence))


def test_a_receipt_says_when_it_was_committed_and_is_read_like_any_document() -> None:
    database = open_database()
    document_id = encode_id(4, bytes(16))
    watching = database.begin_query()
    assert watching.system_get("_session_requests", document_id) is None
    tx = database.begin_mutation()
    leave_receipt(tx, document_id, b"\x10mine\x00")
    assert tx.has_writes
    commit(database, tx)
    found = database.begin_query().system_get("_session_requests", document_id)
    assert found == {"_id": document_id, "_creationTime": 1.0, "answer": f"{database.latest_ts:019d}!"}
    (entry,) = database.write_log.since(watching.begin_ts)
    assert watching.read_set.overlaps(entry)


def test_system_reads_are_evidence_too() -> None:
    database = open_database()
    tx = database.begin_query()
    tx.system_query("_environment_variables").with_index("by_name", lambda q: q.eq("name", "X")).unique()
    assert not touches(database, tx, lambda tx: tx.system_insert("_environment_variables", {"name": "Y"}))
    assert touches(database, tx, lambda tx: tx.system_insert("_environment_variables", {"name": "X"}))
