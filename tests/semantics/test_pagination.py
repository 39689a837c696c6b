"""Semantics 21, "Pagination"."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import ConvexError, MutationCtx, QueryCtx, define_schema, define_table, query, v
from parabola.testing import FunctionCallError, TestBackend

from .support import backend_of, insert_all

SCHEMA = define_schema(
    rows=define_table({"n": v.number(), "a": v.optional(v.number()), "b": v.optional(v.number())})
    .index("by_a", ["a"])
    .index("by_a_b", ["a", "b"])
)


@query
async def even(ctx: QueryCtx, args):
    return await ctx.db.query("rows").filter(lambda q: q.eq(q.mod(q.field("n"), 2), 0)).paginate(args["options"])


@query
async def page(ctx: QueryCtx, args):
    rows = ctx.db.query("rows")
    if args.get("index"):
        rows = rows.with_index(args["index"])
    return await rows.paginate(args["options"])


@query
async def twice(ctx: QueryCtx):
    for _ in range(2):
        await ctx.db.query("rows").paginate({"numItems": 1, "cursor": None})


@query
async def once_and_once_nested(ctx: QueryCtx):
    options = {"numItems": 1, "cursor": None}
    first = await ctx.db.query("rows").paginate(options)
    second = await ctx.run_query("m:page", {"options": options})
    third = await ctx.run_query("m:page", {"options": options})
    return [len(one["page"]) for one in (first, second, third)]


@pytest.fixture
def t() -> TestBackend:
    return backend_of(schema=SCHEMA, even=even, page=page, twice=twice, once_and_once_nested=once_and_once_nested)


async def fetch(t: TestBackend, function: str = "m:page", index: str | None = None, **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = await t.query(function, {"options": {"cursor": None, **options}, "index": index})
    return result


def numbers(one: dict[str, Any]) -> list[Any]:
    return [row["n"] for row in one["page"]]


async def test_pages_of_a_filtered_scan_have_the_wanted_number_of_matching_items(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": n} for n in range(10)])
    pages = [await fetch(t, "m:even", numItems=2)]
    while not pages[-1]["isDone"]:
        pages.append(await fetch(t, "m:even", numItems=2, cursor=pages[-1]["continueCursor"]))
    assert [numbers(one) for one in pages] == [[0, 2], [4, 6], [8]]
    after_the_end = await fetch(t, "m:even", numItems=2, cursor=pages[-1]["continueCursor"])
    assert (after_the_end["page"], after_the_end["isDone"]) == ([], True)


async def test_a_full_page_is_not_the_end(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": n} for n in range(2)])
    full = await fetch(t, numItems=2)
    assert (numbers(full), full["isDone"]) == ([0, 1], False)
    rest = await fetch(t, numItems=2, cursor=full["continueCursor"])
    assert (rest["page"], rest["isDone"]) == ([], True)


async def test_maximum_rows_read_ends_a_page_early_and_nothing_is_lost(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": n} for n in range(7)])
    first = await fetch(t, numItems=100, maximumRowsRead=3)
    assert numbers(first) == [0, 1, 2]
    assert (first["pageStatus"], first["isDone"]) == ("SplitRequired", False)
    assert first["splitCursor"]
    rest = await fetch(t, numItems=100, cursor=first["continueCursor"])
    assert (numbers(rest), rest["isDone"]) == ([3, 4, 5, 6], True)


async def test_maximum_bytes_read_of_one_gives_one_item(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": n} for n in range(3)])
    first = await fetch(t, numItems=100, maximumBytesRead=1)
    assert (numbers(first), first["pageStatus"]) == ([0], "SplitRequired")


async def test_maximum_rows_read_counts_before_the_filter(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": n} for n in range(10)])
    first = await fetch(t, "m:even", numItems=100, maximumRowsRead=3)
    assert numbers(first) == [0, 2]


async def test_an_end_cursor_bounds_the_page_whatever_its_size(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": n} for n in range(10)])
    first = await fetch(t, numItems=2)
    second = await fetch(t, numItems=3, cursor=first["continueCursor"])
    again = await fetch(t, numItems=1000, cursor=first["continueCursor"], endCursor=second["continueCursor"])
    assert numbers(again) == numbers(second) == [2, 3, 4]
    assert again["continueCursor"] == second["continueCursor"]


async def test_documents_without_the_indexed_field_come_first(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": 1, "a": 5}, {"n": 2}, {"n": 3, "a": 1}, {"n": 4}])
    assert numbers(await fetch(t, index="by_a", numItems=10)) == [2, 4, 3, 1]


@pytest.mark.parametrize("index", [None, "by_a", "by_a_b"])
@pytest.mark.parametrize("victim", [1, 2, 3], ids=["at the cursor", "next", "inside the next page"])
async def test_deleting_around_the_cursor_loses_and_repeats_nothing(
    t: TestBackend, index: str | None, victim: int
) -> None:
    ids = await insert_all(t, "rows", [{"n": n, "a": n, "b": -n} for n in range(6)])
    first = await fetch(t, index=index, numItems=2)
    await t.run(lambda ctx: ctx.db.delete(ids[victim]))
    second = await fetch(t, index=index, numItems=10, cursor=first["continueCursor"])
    assert numbers(first) == [0, 1]
    assert numbers(second) == [n for n in range(2, 6) if n != victim]


async def test_two_paginated_queries_in_one_execution_throw(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": 1}])
    with pytest.raises(FunctionCallError, match="only supports a single paginated query in each function"):
        await t.query("m:twice")


async def test_one_in_each_nested_execution_is_fine(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": 1}])
    assert await t.query("m:once_and_once_nested") == [1, 1, 1]


async def test_the_cursor_of_another_query_is_refused_with_the_data_that_clients_reset_on(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": n} for n in range(4)])
    first = await fetch(t, numItems=1)
    with pytest.raises(ConvexError) as failure:
        await fetch(t, index="by_a", numItems=1, cursor=first["continueCursor"])
    assert failure.value.data == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}


@pytest.mark.parametrize(
    ("options", "text"),
    [({"numItems": 0}, "Must request at least 1 document"), ({"numItems": 32_001}, "Requested too many items: 32001")],
    ids=str,
)
async def test_impossible_page_sizes_are_refused(t: TestBackend, options: dict[str, Any], text: str) -> None:
    with pytest.raises(FunctionCallError, match=text):
        await fetch(t, **options)


async def test_a_page_inside_a_mutation_sees_its_own_writes(t: TestBackend) -> None:
    async def body(ctx: MutationCtx) -> Any:
        await ctx.db.insert("rows", {"n": 7})
        return await ctx.db.query("rows").paginate({"numItems": 10, "cursor": None})

    assert numbers(await t.run(body)) == [7]
