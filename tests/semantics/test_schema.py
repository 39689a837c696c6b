"""Semantics 21, "Schema"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola import MutationCtx, define_schema, define_table, v
from parabola.errors import ParabolaError

from .support import all_rows, backend_of, insert_all, raises, user_fields

SCHEMA = define_schema(
    users=define_table(name=v.string(), tags=v.array(v.string())),
    posts=define_table(author=v.id("users")),
)


@pytest.mark.parametrize(
    "define",
    [
        lambda: define_schema({"not-an-identifier": define_table({})}),
        lambda: define_schema({"_reserved": define_table({})}),
        lambda: define_schema({"1st": define_table({})}),
        lambda: define_schema(rows=define_table(a=v.string()).index("not-an-identifier", ["a"])),
        lambda: define_schema(rows=define_table(a=v.string()).index("_reserved", ["a"])),
        lambda: define_schema(rows=define_table(a=v.string()).index("by_id", ["a"])),
        lambda: define_schema(rows=define_table({"not-an-identifier": v.string()})),
        lambda: define_schema(rows=define_table(v.union(v.object({"ok": v.null()}), v.object({"no-no": v.null()})))),
        lambda: define_schema(rows=define_table({"_a": v.string()})),
        lambda: define_schema(rows=define_table(a=v.string()).index("by_b", ["b"])),
        lambda: define_schema(rows=define_table(a=v.string()).index("twice", ["a"]).index("twice", ["a"])),
        lambda: define_schema(rows=define_table(a=v.string()).index("none", [])),
        lambda: define_table(v.string()),
    ],
)
async def test_names_and_shapes_that_cannot_be_are_refused(define: Callable[[], Any]) -> None:
    with pytest.raises(ParabolaError):
        define()


async def test_the_system_fields_may_be_declared() -> None:
    schema = define_schema(rows=define_table({"_id": v.id("rows"), "_creationTime": v.number(), "a": v.string()}))
    t = backend_of(schema=schema)
    await insert_all(t, "rows", [{"a": "x"}])
    assert [user_fields(row) for row in await all_rows(t, "rows")] == [{"a": "x"}]


async def test_an_insert_with_an_extra_field_is_rejected() -> None:
    await raises(
        backend_of(schema=SCHEMA),
        lambda ctx: ctx.db.insert("users", {"name": "Ada", "tags": [], "extra": 1}),
        'Failed to insert or update a document in table "users" because it does not match the schema: '
        "Object contains extra field `extra`",
    )


async def test_a_patch_to_a_wrong_type_is_rejected() -> None:
    t = backend_of(schema=SCHEMA)
    [user] = await insert_all(t, "users", [{"name": "Ada", "tags": []}])
    await raises(t, lambda ctx: ctx.db.patch(user, {"name": 1}), "does not match the schema")
    assert [row["name"] for row in await all_rows(t, "users")] == ["Ada"]


async def test_a_replace_with_null_for_a_string_is_rejected() -> None:
    t = backend_of(schema=SCHEMA)
    [user] = await insert_all(t, "users", [{"name": "Ada", "tags": []}])
    await raises(t, lambda ctx: ctx.db.replace(user, {"name": None, "tags": []}), "does not match the schema")


async def test_a_wrong_element_of_an_array_is_rejected_with_its_path() -> None:
    await raises(
        backend_of(schema=SCHEMA),
        lambda ctx: ctx.db.insert("users", {"name": "Ada", "tags": ["ok", 1]}),
        r"Path: \.tags\[1\]",
    )


async def test_an_id_must_be_an_id_of_that_table() -> None:
    t = backend_of(schema=SCHEMA)
    [user] = await insert_all(t, "users", [{"name": "Ada", "tags": []}])
    [post] = await insert_all(t, "posts", [{"author": user}])
    await raises(t, lambda ctx: ctx.db.insert("posts", {"author": "random"}), "does not match validator")
    await raises(
        t,
        lambda ctx: ctx.db.insert("posts", {"author": post}),
        rf'Found ID "{post}" from table `posts`, which does not match the table name in validator `v\.id\("users"\)`',
    )


async def test_without_schema_validation_anything_is_stored() -> None:
    schema = define_schema({"users": define_table(name=v.string())}, schema_validation=False)
    t = backend_of(schema=schema)
    await insert_all(t, "users", [{"name": 1, "extra": True}, {}])
    assert [user_fields(row) for row in await all_rows(t, "users")] == [{"name": 1, "extra": True}, {}]


async def test_tables_outside_the_schema_are_not_checked() -> None:
    t = backend_of(schema=SCHEMA)
    await insert_all(t, "notes", [{"anything": [1, None]}])
    assert [user_fields(row) for row in await all_rows(t, "notes")] == [{"anything": [1, None]}]


async def test_a_failed_write_can_be_caught_and_the_transaction_goes_on() -> None:
    t = backend_of(schema=SCHEMA)

    async def body(ctx: MutationCtx) -> None:
        with pytest.raises(ParabolaError):
            await ctx.db.insert("users", {"name": 1, "tags": []})
        await ctx.db.insert("users", {"name": "Ada", "tags": []})

    await t.run(body)
    assert [row["name"] for row in await all_rows(t, "users")] == ["Ada"]


def test_a_schema_knows_its_tables() -> None:
    assert list(SCHEMA.tables) == ["users", "posts"]
