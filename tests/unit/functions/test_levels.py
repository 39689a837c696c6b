"""Several operations and calls in one transaction (semantics 3.6, 22.3 items 17 to 19, 22)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola import UNDEFINED, ConvexError, internal_mutation, internal_query, mutation, query, v
from parabola.errors import LimitExceeded, StorageFailure
from parabola.functions.outcome import Outcome
from parabola.limits import Limits
from parabola.storage.memory import MemoryStorage
from tests.unit.functions.harness import ALICE, Engine, message_of, value_of


@internal_mutation
async def add(ctx: Any, name: str):
    return await ctx.db.insert("t", {"name": name})


@internal_mutation
async def add_then_fail(ctx: Any, name: str):
    await ctx.db.insert("t", {"name": name})
    raise ConvexError({"failed": name})


@internal_mutation
async def add_slowly(ctx: Any, name: str):
    count = len(await ctx.db.query("t").collect())
    await asyncio.sleep(0.001)
    await ctx.db.insert("t", {"name": name, "after": count})


@internal_query
async def names(ctx: Any):
    return [doc["name"] for doc in await ctx.db.query("t").collect()]


@internal_query
async def count(ctx: Any):
    return len(await ctx.db.query("t").collect())


HELPERS = {
    "t:add": add,
    "t:add_then_fail": add_then_fail,
    "t:add_slowly": add_slowly,
    "t:names": names,
    "t:count": count,
}


def run(handler: Any, **options: Any) -> Outcome:
    """Runs one mutation handler, which may wait."""
    engine = Engine({**HELPERS, "m:it": mutation(handler)}, **options)
    return asyncio.run(engine.mutation_async("m:it"))


# Nested calls


def test_a_nested_call_sees_pending_writes_and_its_own_are_seen() -> None:
    async def it(ctx: Any):
        await ctx.db.insert("t", {"name": "a"})
        await ctx.run_mutation("t:add", {"name": "b"})
        return await ctx.run_query("t:names")

    assert value_of(run(it)) == ["a", "b"]


def test_a_nested_mutation_that_fails_is_undone_and_the_caller_goes_on() -> None:
    async def it(ctx: Any):
        await ctx.db.insert("t", {"name": "before"})
        try:
            await ctx.run_mutation("t:add_then_fail", {"name": "undone"})
        except ConvexError as error:
            await ctx.db.insert("t", {"name": "after", "data": error.data})
        return await ctx.run_query("t:names")

    assert value_of(run(it)) == ["before", "after"]


def test_a_nested_error_keeps_its_type_and_data() -> None:
    async def it(ctx: Any):
        try:
            await ctx.run_mutation("t:add_then_fail", {"name": "x"})
        except ConvexError as error:
            return error.data

    assert value_of(run(it)) == {"failed": "x"}


def test_a_nested_mutation_that_succeeded_is_undone_when_the_caller_fails() -> None:
    async def it(ctx: Any):
        await ctx.run_mutation("t:add", {"name": "a"})
        raise ValueError("no")

    engine = Engine({**HELPERS, "m:it": mutation(it)})
    assert message_of(engine.mutation("m:it")) == "Uncaught ValueError: no"
    assert engine.rows("t") == []


def test_reads_of_an_undone_call_stay_in_the_read_set() -> None:
    @internal_query
    async def read_then_fail(ctx: Any):
        await ctx.db.query("t").collect()
        raise ValueError("no")

    async def it(ctx: Any):
        try:
            await ctx.run_query("t:read_then_fail")
        except ValueError:
            return "failed"

    engine = Engine({**HELPERS, "t:read_then_fail": read_then_fail, "q:it": query(it), "m:add": mutation(add.handler)})
    engine.mutation("m:add", {"name": "first"})
    outcome = engine.query("q:it")
    assert outcome.value == "failed"
    engine.mutation("m:add", {"name": "second"})
    assert outcome.read_set is not None
    assert any(outcome.read_set.overlaps(entry) for entry in engine.database.write_log.since(outcome.ts))


def test_arguments_of_nested_calls_are_validated_and_copied() -> None:
    async def it(ctx: Any):
        try:
            await ctx.run_mutation("t:add", {"name": 1})
        except Exception as error:
            return str(error)

    assert value_of(run(it)).startswith("ArgumentValidationError: Value does not match validator.")


def test_a_query_cannot_call_a_mutation_by_any_way() -> None:
    async def by_query(ctx: Any):
        await ctx.run_query("t:add", {"name": "x"})

    async def by_mutation(ctx: Any):
        await ctx.run_mutation("t:add", {"name": "x"})

    engine = Engine({**HELPERS, "q:a": query(by_query), "q:b": query(by_mutation)})
    for path in ("q:a", "q:b"):
        assert "Cannot call a Mutation function from a Query function" in message_of(engine.query(path))


def test_calls_nest_eight_deep_and_no_deeper() -> None:
    @internal_query
    async def deeper(ctx: Any, left: int):
        return 1 + (await ctx.run_query("t:deeper", {"left": left - 1}) if left else 0)

    engine = Engine({"t:deeper": deeper})
    assert value_of(engine.query("t:deeper", {"left": 7}, visibility="internal")) == 8
    outcome = engine.query("t:deeper", {"left": 8}, visibility="internal")
    assert "Cross component call depth limit exceeded." in message_of(outcome)
    assert outcome.error is not None
    assert outcome.error.code == "MaximumCallDepthExceeded"


def test_the_identity_and_the_interest_in_it_pass_through_nested_calls() -> None:
    @internal_query
    async def who(ctx: Any):
        identity = await ctx.auth.get_user_identity()
        return identity and identity["name"]

    async def it(ctx: Any):
        return await ctx.run_query("t:who")

    engine = Engine({"t:who": who, "q:it": query(it)})
    assert engine.query("q:it", identity=ALICE).value == "Alice"
    assert engine.query("q:it").used_identity


def test_nested_calls_share_the_time_and_have_chance_of_their_own() -> None:
    @internal_query
    async def draw(ctx: Any):
        return [ctx.now(), ctx.random.random()]

    async def it(ctx: Any):
        return [await ctx.run_query("t:draw"), await ctx.run_query("t:draw"), [ctx.now(), ctx.random.random()]]

    outcome = Engine({"t:draw": draw, "q:it": query(it)}).query("q:it")
    times, chances = zip(*value_of(outcome), strict=True)
    assert len(set(times)) == 1
    assert len(set(chances)) == 3
    assert outcome.used_time


def test_a_stale_snapshot_query_sees_what_was_committed_before_and_leaves_no_evidence() -> None:
    async def it(ctx: Any):
        await ctx.db.insert("t", {"name": "pending"})
        return [await ctx.run_query("t:names", use_stale_snapshot=True), await ctx.run_query("t:names")]

    engine = Engine({**HELPERS, "m:it": mutation(it), "m:add": mutation(add.handler)})
    engine.mutation("m:add", {"name": "committed"})
    assert value_of(engine.mutation("m:it")) == [["committed"], ["committed", "pending"]]


def test_a_stale_snapshot_is_for_mutations_only() -> None:
    async def it(ctx: Any):
        await ctx.run_query("t:names", use_stale_snapshot=True)

    text = message_of(Engine({**HELPERS, "q:it": query(it)}).query("q:it"))
    assert "`useStaleSnapshot` is only supported in mutations, not queries." in text


def test_a_nested_limit_holds_for_the_call_and_ends_with_it() -> None:
    async def it(ctx: Any):
        for name in "abc":
            await ctx.db.insert("t", {"name": name})
        await ctx.run_query("t:names", transaction_limits={"documentsRead": 3})
        with pytest.raises(LimitExceeded, match="Too many documents read"):
            await ctx.run_query("t:names", transaction_limits={"documentsRead": 2})
        return len(await ctx.run_query("t:names"))

    assert value_of(run(it)) == 3


def test_a_looser_nested_limit_does_not_loosen_the_outer_one() -> None:
    async def it(ctx: Any):
        for name in "abc":
            await ctx.db.insert("t", {"name": name})
        await ctx.run_query("t:names", transaction_limits={"documentsRead": 1000})

    assert "Too many documents read" in message_of(run(it, limits=Limits(documents_read_max=2)))


def test_one_page_for_each_execution() -> None:
    @internal_query(args={})
    async def page(ctx: Any):
        return (await ctx.db.query("t").paginate(num_items=1))["page"]

    async def it(ctx: Any):
        await ctx.run_query("t:page")
        await ctx.run_query("t:page")
        await ctx.db.query("t").paginate({"numItems": 1, "cursor": None})
        return "fine"

    assert Engine({"t:page": page, "q:it": query(it)}).query("q:it").value == "fine"


# Gather: one transaction, in the order of issue


def test_gathered_writes_apply_in_the_order_in_which_they_are_written() -> None:
    async def it(ctx: Any):
        await asyncio.gather(*(ctx.db.insert("t", {"name": name}) for name in "abc"))
        return await ctx.run_query("t:names")

    assert value_of(run(it)) == ["a", "b", "c"]


def test_arguments_are_taken_at_the_call_and_not_at_the_await() -> None:
    async def it(ctx: Any):
        document = {"name": "first"}
        waiting = ctx.db.insert("t", document)
        document["name"] = "changed"
        await waiting
        return await ctx.run_query("t:names")

    assert value_of(run(it)) == ["first"]


def test_gathered_nested_mutations_run_one_after_another_even_if_they_wait() -> None:
    async def it(ctx: Any):
        await asyncio.gather(
            ctx.run_mutation("t:add_slowly", {"name": "a"}),
            ctx.run_mutation("t:add", {"name": "b"}),
            ctx.db.insert("t", {"name": "c"}),
            ctx.run_mutation("t:add_slowly", {"name": "d"}),
        )
        return [[doc["name"], doc.get("after")] for doc in await ctx.db.query("t").collect()]

    assert value_of(run(it)) == [["a", 0], ["b", None], ["c", None], ["d", 3]]


def test_a_failing_member_of_a_gather_does_not_take_back_the_others() -> None:
    async def it(ctx: Any):
        results = await asyncio.gather(
            ctx.run_mutation("t:add", {"name": "a"}),
            ctx.run_mutation("t:add_then_fail", {"name": "b"}),
            ctx.run_mutation("t:add", {"name": "c"}),
            return_exceptions=True,
        )
        return [type(result).__name__ for result in results] + await ctx.run_query("t:names")

    assert value_of(run(it)) == ["str", "ConvexError", "str", "a", "c"]


def test_helpers_gathered_as_coroutines_are_one_transaction() -> None:
    async def helper(ctx: Any, name: str) -> int:
        before = len(await ctx.db.query("t").collect())
        await asyncio.sleep(0)
        await ctx.db.insert("t", {"name": name})
        return before

    async def it(ctx: Any):
        return await asyncio.gather(helper(ctx, "a"), helper(ctx, "b"))

    assert value_of(run(it)) == [0, 0]


@pytest.mark.parametrize("how", ["wait_for", "timeout", "task", "task_group", "shield"])
def test_the_tools_of_asyncio_work_inside_a_handler(how: str) -> None:
    async def slow(value: int) -> int:
        await asyncio.sleep(0.001)
        return value

    async def it(ctx: Any):
        if how == "wait_for":
            await asyncio.wait_for(ctx.db.insert("t", {"name": "a"}), 60)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.sleep(10), 0.001)
            return await asyncio.wait_for(slow(1), 60)
        if how == "timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await asyncio.sleep(10)
            async with asyncio.timeout(60):
                return await slow(1)
        if how == "task":
            task = asyncio.create_task(ctx.db.insert("t", {"name": "a"}))
            await task
            return await asyncio.create_task(slow(1))
        if how == "task_group":
            async with asyncio.TaskGroup() as group:
                first = group.create_task(ctx.db.insert("t", {"name": "a"}))
                second = group.create_task(slow(1))
            assert isinstance(first.result(), str)
            return second.result()
        return await asyncio.shield(slow(1))

    assert value_of(run(it)) == 1


def test_a_handler_run_within_another_task_does_not_touch_that_task() -> None:
    async def it(ctx: Any):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.sleep(10)
        return "survived"

    async def main() -> Any:
        engine = Engine({"m:it": mutation(it)})
        outcome = await engine.mutation_async("m:it")
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0
        return value_of(outcome)

    assert asyncio.run(main()) == "survived"


# What a handler must not leave behind


def test_a_forgotten_await_of_a_write_fails_the_mutation_with_the_wrong_line_and_the_right_one() -> None:
    async def it(ctx: Any):
        ctx.db.insert("t", {"name": "a"})

    engine = Engine({"m:it": mutation(it)})
    outcome = engine.mutation("m:it")
    assert engine.rows("t") == []
    text = message_of(outcome)
    assert text.startswith("m:it ended without waiting for ctx.db.insert(...)")
    assert 'wrong:  ctx.db.insert("t", {"name": "a"})' in text
    assert 'right:  await ctx.db.insert("t", {"name": "a"})' in text


def test_a_forgotten_await_whose_result_is_kept_is_found_too() -> None:
    async def it(ctx: Any):
        found = ctx.db.query("t").collect()  # noqa: F841
        return 1

    text = message_of(Engine({"q:it": query(it)}).query("q:it"))
    assert "right:  found = await ctx.db.query" in text


def test_using_an_operation_as_its_result_says_what_to_write() -> None:
    async def it(ctx: Any):
        if ctx.db.query("t").first():
            return 1

    text = message_of(Engine({"q:it": query(it)}).query("q:it"))
    assert "Write `await ctx.db.query(...).first(...)`" in text


def test_a_forgotten_nested_call_fails_the_mutation() -> None:
    async def it(ctx: Any):
        ctx.run_mutation("t:add", {"name": "a"})

    assert "ended without waiting for ctx.run_mutation(...)" in message_of(run(it))


def test_a_task_left_running_fails_the_mutation_and_is_named() -> None:
    async def write_later(ctx: Any) -> None:
        await asyncio.sleep(0)
        await ctx.db.insert("t", {"name": "late"})

    tasks: list[asyncio.Task[None]] = []

    async def it(ctx: Any):
        tasks.append(asyncio.create_task(write_later(ctx)))

    text = message_of(run(it))
    assert "ended while 1 task that it had started was still running" in text
    assert "write_later" in text


def test_a_kept_ctx_is_refused_after_the_end() -> None:
    kept: list[Any] = []

    async def it(ctx: Any):
        kept.append(ctx)
        return 1

    assert value_of(run(it)) == 1
    for use in (
        lambda ctx: ctx.db.get("x"),
        lambda ctx: ctx.db.query("t"),
        lambda ctx: ctx.db.insert("t", {}),
        lambda ctx: ctx.run_mutation("t:add", {"name": "x"}),
        lambda ctx: ctx.auth.get_user_identity(),
        lambda ctx: ctx.env["X"],
    ):
        with pytest.raises(Exception, match="was used after the function had ended"):
            use(kept[0])


def test_calling_a_decorated_function_directly_works_and_warns() -> None:
    async def it(ctx: Any):
        return await add(ctx, "direct")

    outcome = run(it)
    assert isinstance(outcome.value, str)
    assert outcome.log_lines[0].startswith("[WARN] 'Convex functions should not directly call other Convex functions.")


def test_ten_documents_streamed_one_by_one_and_stopped_early() -> None:
    async def it(ctx: Any):
        for n in range(10):
            await ctx.db.insert("t", {"name": str(n)})
        seen = []
        async for doc in ctx.db.query("t").filter(lambda q: q.neq(q.field("name"), "1")):
            seen.append(doc["name"])
            if len(seen) == 3:
                break
        return seen

    assert value_of(run(it)) == ["0", "2", "3"]


def test_the_table_first_forms_and_the_scoped_ones_are_the_same() -> None:
    async def it(ctx: Any):
        table = ctx.db.table("t")
        id = await table.insert({"name": "a"})
        await ctx.db.patch("t", id, {"name": "b"})
        await table.patch(id, {"more": 1})
        await ctx.db.replace(id, {"name": "c"})
        assert table.normalize_id(id) == id == ctx.db.normalize_id("t", id)
        assert (await table.get(id))["name"] == (await ctx.db.get("t", id))["name"] == "c"
        await ctx.db.delete("t", id)
        return [await ctx.db.get(id), await table.query().collect()]

    assert value_of(run(it)) == [None, []]


def test_arguments_may_have_any_validator() -> None:
    @query(args=v.any())
    async def echo(ctx: Any, args):
        return args

    assert Engine({"q:echo": echo}).query("q:echo", {"ctx": 1}).value == {"ctx": 1}


@pytest.mark.parametrize("budget", [-1, "1", True, None, float("nan")])
def test_a_nested_limit_is_a_number(budget: Any) -> None:
    async def it(ctx: Any):
        await ctx.run_query("t:count", {}, transaction_limits={"documentsRead": budget})

    assert "transaction_limits['documentsRead'] must be a number of at least 0" in message_of(run(it))


def test_a_nested_limit_may_be_named_as_python_names_things() -> None:
    async def it(ctx: Any):
        await ctx.db.insert("t", {"name": "a"})
        await ctx.db.insert("t", {"name": "b"})
        await ctx.run_query("t:count", {}, transaction_limits={"documents_read": 1})

    assert "Too many documents read in a single function execution (limit: 1)" in message_of(run(it))


def test_a_nested_limit_holds_for_a_stale_snapshot_too() -> None:
    engine = Engine({**HELPERS, "m:fill": mutation(fill), "m:it": mutation(count_stale)})
    assert engine.mutation("m:fill").error is None
    assert "(limit: 1)" in message_of(engine.mutation("m:it"))


async def fill(ctx: Any):
    for name in "abc":
        await ctx.db.insert("t", {"name": name})


async def count_stale(ctx: Any):
    return await ctx.run_query("t:count", {}, transaction_limits={"documentsRead": 1}, use_stale_snapshot=True)


class Unready(ConvexError):
    def __init__(self, things: Any) -> None:
        self.things = things  # and says nothing to its base


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (ConvexError({"a": [1]}), ("ConvexError", {"a": [1]}, '{"a":[1]}')),
        (ConvexError(), ("ConvexError", None, "null")),
        (ConvexError(UNDEFINED), ("ConvexError", None, '"UNDEFINED"')),
        (Unready({1}), ("Unready", None, "")),
        (ConvexError({1}), ("DeveloperError", None, "ConvexError: its data is not a value: set {1} is not")),
    ],
)
def test_what_crosses_to_the_caller_of_a_nested_call(raised: ConvexError, caught: tuple[str, Any, str]) -> None:
    @internal_mutation
    async def failing(ctx: Any):
        raise raised

    seen: list[Any] = []

    async def it(ctx: Any):
        try:
            await ctx.run_mutation("t:failing")
        except Exception as error:
            seen.append((type(error).__name__, getattr(error, "data", None), str(error)))

    engine = Engine({"t:failing": failing, "m:it": mutation(it)})
    assert engine.mutation("m:it").error is None
    (name, data, text) = seen[0]
    assert (name, data) == caught[:2]
    assert text.startswith(caught[2])


def test_the_data_of_an_error_belongs_to_whoever_catches_it() -> None:
    shared = {"left": [1]}

    @internal_mutation
    async def failing(ctx: Any):
        raise ConvexError(shared)

    async def it(ctx: Any):
        try:
            await ctx.run_mutation("t:failing")
        except ConvexError as error:
            error.data["left"].append(2)

    assert Engine({"t:failing": failing, "m:it": mutation(it)}).mutation("m:it").error is None
    assert shared == {"left": [1]}


def test_a_forgotten_await_in_the_middle_of_a_line_is_put_where_it_belongs() -> None:
    async def it(ctx: Any):
        if ctx is not None: ctx.db.insert("t", {"name": "ü"})  # noqa: E701  # fmt: skip

    assert 'right:  if ctx is not None: await ctx.db.insert("t", {"name": "ü"})' in message_of(run(it))


@pytest.mark.parametrize("kind", ["query", "mutation"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_fault_of_the_store_cannot_be_swallowed(monkeypatch: pytest.MonkeyPatch, kind: str, nested: bool) -> None:
    async def it(ctx: Any):
        try:
            await (ctx.run_query("t:names") if nested else ctx.db.query("t").collect())
        except Exception:
            return "as if nothing were there"

    engine = Engine({**HELPERS, "m:it": (query if kind == "query" else mutation)(it)})
    assert engine.mutation("t:add", {"name": "a"}, visibility="internal").error is None

    def broken(*_: Any, **__: Any) -> Any:
        raise StorageFailure("The disk is gone.")

    monkeypatch.setattr(MemoryStorage, "scan_index", broken)
    outcome = engine.query("m:it") if kind == "query" else engine.mutation("m:it")
    assert outcome.error is not None
    assert outcome.error.is_system
    assert outcome.error.code == "StorageFailure"
