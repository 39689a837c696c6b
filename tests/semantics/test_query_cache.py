"""Semantics 8.2: what is answered without a run, and for whom."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import MutationCtx, QueryCtx, action, internal, internal_query, mutation, query
from parabola.seams import ManualClock
from parabola.testing import FunctionCallError, TestBackend, TestCaller
from tests.semantics.support import backend_of


class Counted:
    """A module whose functions note each of their runs."""

    def __init__(self) -> None:
        runs: list[str] = []
        self.runs = runs

        @query
        async def plain(ctx: QueryCtx, a: Any = None, b: Any = None) -> Any:
            runs.append("plain")
            return [a, b]

        @query
        async def who(ctx: QueryCtx) -> Any:
            runs.append("who")
            identity = await ctx.auth.get_user_identity()
            return None if identity is None else identity["subject"]

        @query
        async def who_nested(ctx: QueryCtx) -> Any:
            runs.append("who_nested")
            return await ctx.run_query("m:who")

        @query
        async def now(ctx: QueryCtx) -> float:
            runs.append("now")
            return ctx.now()

        @query
        async def now_nested(ctx: QueryCtx) -> Any:
            runs.append("now_nested")
            return await ctx.run_query("m:now")

        @query
        async def chance(ctx: QueryCtx) -> float:
            runs.append("chance")
            return ctx.random.random()

        @query
        async def boom(ctx: QueryCtx) -> None:
            runs.append("boom")
            raise ValueError("boom")

        @query
        async def first(ctx: QueryCtx) -> Any:
            runs.append("first")
            return await ctx.db.query("t").first()

        @internal_query
        async def secret(ctx: QueryCtx) -> int:
            runs.append("secret")
            return 42

        @mutation
        async def insert(ctx: MutationCtx, table: str = "t") -> str:
            return await ctx.db.insert(table, {"n": 0.0})

        @mutation
        async def touch(ctx: MutationCtx, id: str) -> None:
            await ctx.db.patch(id, {})
            await ctx.db.patch(id, {"n": 0})
            await ctx.db.replace(id, {"n": 0.0})

        @mutation
        async def turn_negative(ctx: MutationCtx, id: str) -> None:
            await ctx.db.patch(id, {"n": -0.0})

        @mutation
        async def nested(ctx: MutationCtx) -> Any:
            return [await ctx.run_query("m:plain"), await ctx.run_query("m:plain")]

        @action
        async def asking(ctx: Any) -> Any:
            return [await ctx.run_query("m:plain"), await ctx.run_query("m:plain")]

        @action
        async def asking_twice_for_trouble(ctx: Any) -> list[str]:
            seen = []
            for _ in range(2):
                try:
                    await ctx.run_query("m:boom")
                except ValueError as error:
                    seen.append(str(error))
            return seen

        @action
        async def writing_and_reading(ctx: Any) -> list[bool]:
            before = await ctx.run_query("m:first")
            await ctx.run_mutation("m:insert", {})
            return [before is None, (await ctx.run_query("m:first")) is not None]

        self.backend = backend_of(**{name: member for name, member in locals().items() if hasattr(member, "handler")})

    async def runs_of(self, caller: TestCaller, name: str, args: dict[str, Any] | None = None) -> list[str]:
        """Which functions ran for this one call."""
        self.runs.clear()
        await caller.query(f"m:{name}", args)
        return list(self.runs)


@pytest.fixture
def m() -> Counted:
    return Counted()


@pytest.fixture
def t(m: Counted) -> TestBackend:
    return m.backend


async def test_a_query_that_ignores_identity_is_shared_by_all(m: Counted, t: TestBackend) -> None:
    assert await m.runs_of(t, "plain") == ["plain"]
    assert await m.runs_of(t.with_identity(subject="a"), "plain") == []


@pytest.mark.parametrize(("name", "ran"), [("who", ["who"]), ("who_nested", ["who_nested", "who"])])
async def test_one_that_looked_is_shared_by_equal_identities_only(
    m: Counted, t: TestBackend, name: str, ran: list[str]
) -> None:
    for caller in (t, t.with_identity(subject="a"), t.with_identity(subject="b")):
        assert await m.runs_of(caller, name) == ran
        assert await m.runs_of(caller, name) == []
    assert await m.runs_of(t.with_identity(subject="a"), name) == []


@pytest.mark.parametrize(("name", "ran"), [("now", ["now"]), ("now_nested", ["now_nested", "now"])])
async def test_a_result_that_observed_time_is_given_out_for_seconds_only(
    m: Counted, t: TestBackend, name: str, ran: list[str]
) -> None:
    assert await m.runs_of(t, name) == ran
    # As time passes by itself: a query after `advance` sees the new time at once.
    ManualClock.advance(t.clock, 16)
    assert await m.runs_of(t, name) == []
    ManualClock.advance(t.clock, 2)
    assert await m.runs_of(t, name) == ran
    t.clock.advance(seconds=1)
    assert await m.runs_of(t, name) == ran


async def test_chance_alone_does_not_limit_caching(m: Counted, t: TestBackend) -> None:
    drawn = await t.query("m:chance")
    t.clock.advance(hours=1)
    assert await t.query("m:chance") == drawn


async def test_only_successful_results_are_kept(m: Counted, t: TestBackend) -> None:
    for _ in range(2):
        m.runs.clear()
        with pytest.raises(FunctionCallError, match="boom"):
            await t.query("m:boom")
        assert m.runs == ["boom"]
    m.runs.clear()
    assert await t.action("m:asking_twice_for_trouble") == ["boom", "boom"]
    assert m.runs == ["boom", "boom"]


async def test_arguments_are_compared_as_values(m: Counted, t: TestBackend) -> None:
    assert await m.runs_of(t, "plain", {"a": 1, "b": 2}) == ["plain"]
    assert await m.runs_of(t, "plain", {"b": 2.0, "a": 1.0}) == []
    assert await m.runs_of(t, "plain", {"a": True, "b": 2}) == ["plain"]
    assert await m.runs_of(t, "plain", {"a": 0.0}) == ["plain"]
    assert await m.runs_of(t, "plain", {"a": -0.0}) == ["plain"]
    assert await m.runs_of(t, "plain", {"a": float("nan")}) == ["plain"]
    assert await m.runs_of(t, "plain", {"a": float("nan")}) == []


async def test_an_action_asks_the_cache_too_and_sees_what_it_wrote(m: Counted, t: TestBackend) -> None:
    await t.action("m:asking")
    assert m.runs == ["plain"]
    assert await t.action("m:writing_and_reading") == [True, True]


async def test_a_nested_query_of_a_transaction_always_runs(m: Counted, t: TestBackend) -> None:
    await t.query("m:plain")
    m.runs.clear()
    await t.mutation("m:nested")
    assert m.runs == ["plain", "plain"]


async def test_a_cached_internal_result_is_still_refused_to_the_public(m: Counted, t: TestBackend) -> None:
    assert await t.query(internal.m.secret) == 42
    with pytest.raises(FunctionCallError, match="Could not find public function for 'm:secret'"):
        await t.query("m:secret")


async def test_only_a_commit_within_what_was_read_makes_it_run_again(m: Counted, t: TestBackend) -> None:
    assert await m.runs_of(t, "first") == ["first"]
    await t.mutation("m:insert", {"table": "other"})
    assert await m.runs_of(t, "first") == []
    id = await t.mutation("m:insert")
    assert await m.runs_of(t, "first") == ["first"]
    await t.mutation("m:insert")  # behind the first one, which is all that was read
    await t.mutation("m:touch", {"id": id})  # writes that change nothing
    assert await m.runs_of(t, "first") == []
    await t.mutation("m:turn_negative", {"id": id})
    assert await m.runs_of(t, "first") == ["first"]
