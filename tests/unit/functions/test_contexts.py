"""What `ctx` says to those who ask it for something that it does not have."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import Int64, action, mutation, query
from tests.unit.functions.harness import Engine, message_of, value_of


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda ctx: ctx.runQuery, "ctx of a mutation has no 'runQuery'. Did you mean run_query?"),
        (lambda ctx: ctx.db.normalizeId, "ctx.db has no 'normalizeId'. Did you mean normalize_id?"),
        (lambda ctx: ctx.db.query("t").withIndex, "A query has no 'withIndex'. Did you mean with_index?"),
        (lambda ctx: ctx.db.table("t").fetch, "ctx.db.table(…) has no 'fetch'."),
        (lambda ctx: ctx.db.system.insert, "ctx.db.system, which is read-only, has no 'insert'."),
        (lambda ctx: ctx.auth.getUserIdentity, "ctx.auth has no 'getUserIdentity'. Did you mean get_user_identity?"),
        (lambda ctx: ctx.meta.getSnapshotTs, "ctx.meta has no 'getSnapshotTs'. Did you mean get_snapshot_ts?"),
        (lambda ctx: ctx.run_action, "Cannot call a Action function from a Mutation function"),
        (lambda ctx: ctx.db.query("t").with_index("by_id", "x"), "with_index() takes a function that builds the range"),
        (lambda ctx: ctx.db.query("t").filter(True), "filter() takes a function that builds the condition"),
        (lambda ctx: ctx.db.query("t").filter(lambda q: q["a"]), "Write q.field('a') for a field of the document"),
        (lambda ctx: ctx.db.query("t").filter(lambda q: q.field("a") > 1), "Operators mean nothing inside a filter."),
        (lambda ctx: ctx.db.query("t").filter(lambda q: q.field(1)), "q.field() takes the path of a field"),
        (lambda ctx: ctx.db.query("t").paginate([1]), "paginate() takes the options as a dict"),
        (
            lambda ctx: ctx.db.messages,
            "ctx.db has no 'messages'. If it is a table, read it with `ctx.db.query(\"messag",
        ),
        (lambda ctx: ctx.db.querry, "ctx.db has no 'querry'. Did you mean query?"),
        (lambda ctx: ctx.db.query("t").all(), "A query has no 'all'. Write `await ….collect()`."),
        (lambda ctx: ctx.db.query("t").where(a=1), "A query has no 'where'. Write `.with_index("),
        (lambda ctx: ctx.db.query("t").limit(1), "A query has no 'limit'. Write `await ….take(n)`."),
    ],
)
def test_a_wrong_name_or_argument_is_answered_with_the_right_one(ask: Any, sentence: str) -> None:
    @mutation
    async def handler(ctx: Any) -> None:
        ask(ctx)

    assert sentence in message_of(Engine({"m:f": handler}).mutation("m:f"))


def test_a_table_of_the_database_is_one_whatever_its_name_resembles() -> None:
    @mutation
    async def handler(ctx: Any) -> None:
        await ctx.db.insert("tables", {})
        ctx.db.tables  # noqa: B018

    assert 'read it with `ctx.db.query("tables")`' in message_of(Engine({"m:f": handler}).mutation("m:f"))


def test_a_query_is_told_who_schedules() -> None:
    @query
    async def handler(ctx: Any) -> None:
        ctx.scheduler  # noqa: B018

    assert "ctx of a query has no 'scheduler': mutations and actions schedule functions" in message_of(
        Engine({"m:f": handler}).query("m:f")
    )


def test_a_page_without_a_size_is_asked_for_one_in_pythons_spelling() -> None:
    @query
    async def handler(ctx: Any) -> None:
        await ctx.db.query("t").paginate()

    assert message_of(Engine({"m:f": handler}).query("m:f")).endswith(
        "`options.numItems` must be a positive number. Received `undefined`. "
        "Write `.paginate(num_items=10)`, or pass on the options that a client sent: `.paginate(options)`."
    )


async def test_an_action_is_told_the_same() -> None:
    @action
    async def handler(ctx: Any) -> None:
        ctx.runMutation  # noqa: B018

    outcome = await Engine({"m:f": handler}).action("m:f")
    assert "ctx of an action has no 'runMutation'. Did you mean run_mutation?" in message_of(outcome)


def test_the_snapshot_timestamp_is_a_value_that_can_be_returned() -> None:
    @query
    async def snapshot(ctx: Any) -> Int64:
        return await ctx.meta.get_snapshot_ts()

    assert type(value_of(Engine({"m:f": snapshot}).query("m:f"))) is Int64
