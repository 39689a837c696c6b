"""Scheduled functions from a seed: whatever is planned and canceled in whatever order, each effect is there exactly
when its job says so, what was canceled in time stays so, nothing ran before its time, and nothing due is left.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from parabola import ActionCtx, MutationCtx, QueryCtx, internal_action, internal_mutation, mutation, query
from parabola.backend import Backend
from parabola.database.flusher import InlineFlusher
from parabola.functions.loader import Deployment
from parabola.limits import Limits
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage

JOBS = "_scheduled_functions"
STEPS = 120


async def effect(ctx: MutationCtx, key: str) -> None:
    """What a job does: a row of its own, and a document that all of them fight over."""
    shared = await ctx.db.query("shared").first()
    if shared is None:
        await ctx.db.insert("shared", {"count": 1})
    else:
        await ctx.db.patch(shared["_id"], {"count": shared["count"] + 1})
    await ctx.db.insert("effects", {"key": key, "at": ctx.now()})


@internal_mutation
async def quick(ctx: MutationCtx, key: str):
    await effect(ctx, key)


@internal_mutation
async def slow(ctx: MutationCtx, key: str):
    # It reads, waits and writes, so that others come in between.
    await ctx.db.query("shared").first()
    for _ in range(ctx.random.randrange(1, 6)):
        await asyncio.sleep(0)
    await effect(ctx, key)


@internal_mutation
async def fails(ctx: MutationCtx, key: str):
    await effect(ctx, key)
    await asyncio.sleep(0)
    raise ValueError("not this time")


@internal_action
async def acts(ctx: ActionCtx, key: str):
    await asyncio.sleep(0)
    await ctx.run_mutation("m:quick", {"key": key})


@internal_mutation
async def spawns(ctx: MutationCtx, key: str):
    await effect(ctx, key)
    await ctx.scheduler.run_after(500, "m:quick", {"key": f"{key}/child"})


@mutation
async def plan(ctx: MutationCtx, function: str, key: str, delay: float, fail: bool):
    job = await ctx.scheduler.run_after(delay, function, {"key": key})
    if fail:
        raise ValueError("rolled back")
    return job


@mutation
async def cancel(ctx: MutationCtx, id: str) -> str | None:
    """Cancels a job; gives its id if it had not ended."""
    job = await ctx.db.system.get(id)
    await ctx.scheduler.cancel(id)
    return id if job is not None and job["state"]["kind"] in ("pending", "inProgress") else None


@query
async def everything(ctx: QueryCtx):
    shared = await ctx.db.query("shared").first()
    return {
        "jobs": await ctx.db.system.query(JOBS).collect(),
        "effects": await ctx.db.query("effects").collect(),
        "count": 0 if shared is None else shared["count"],
    }


FUNCTIONS: dict[str, Any] = {
    "m:quick": quick,
    "m:slow": slow,
    "m:fails": fails,
    "m:acts": acts,
    "m:spawns": spawns,
    "m:plan": plan,
    "m:cancel": cancel,
    "m:everything": everything,
}
KINDS = ["m:quick", "m:slow", "m:slow", "m:fails", "m:acts", "m:spawns"]


async def one_history(seed: int) -> dict[str, Any]:
    dice = random.Random(seed)
    clock = ManualClock()
    storage = MemoryStorage()
    backend = Backend(
        Deployment(FUNCTIONS),
        storage=storage,
        flusher=InlineFlusher(storage),
        clock=clock,
        entropy=SeededEntropy(seed),
        limits=Limits(scheduled_functions_parallel_max=dice.choice([1, 3, 8])),
    )
    async with backend:
        # A mutation that keeps losing waits before it tries again: by this clock too.
        backend.runner.call_later = clock.call_later
        ids: list[str] = []
        under_way: list[asyncio.Future[Any]] = []
        for step in range(STEPS):
            choice = dice.random()
            if choice < 0.5:
                call = {"function": dice.choice(KINDS), "key": f"{step}", "delay": dice.choice([0, 0, 100, 1000])}
                failing = dice.random() < 0.1
                try:
                    ids.append(await backend.mutation("m:plan", {**call, "fail": failing}))
                except ValueError:
                    assert failing
            elif choice < 0.75 and ids:
                under_way.append(asyncio.ensure_future(backend.mutation("m:cancel", {"id": dice.choice(ids)})))
            else:
                clock.advance(dice.choice([0.0, 0.05, 0.3]))
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
        async with asyncio.timeout(60):
            while backend.scheduler.calls.running or backend.scheduler.pending(1) or not all(map(_ended, under_way)):
                clock.advance(0.5)
                await asyncio.sleep(0)
        found: dict[str, Any] = await backend.query("m:everything")
        found["canceled in time"] = set(await asyncio.gather(*under_way)) - {None}
        return found


def _ended(call: asyncio.Future[Any]) -> bool:
    return call.done()


@pytest.mark.parametrize("seed", range(12))
async def test_each_effect_is_there_exactly_when_its_job_says_so(seed: int) -> None:
    found = await one_history(seed)
    effects = Counter(row["key"] for row in found["effects"])
    assert not effects or max(effects.values()) == 1, "something happened twice"
    assert found["count"] == len(found["effects"]), "an update was lost"
    at = {row["key"]: row["at"] for row in found["effects"]}
    kinds: Counter[str] = Counter()
    for job in found["jobs"]:
        key, kind = job["args"][0]["key"], job["state"]["kind"]
        kinds[kind] += 1
        if kind == "success":
            assert key in effects
        elif job["name"] != "m:acts":
            assert key not in effects, f"{job} left something behind"
        assert kind in ("success", "failed", "canceled")
        assert (kind == "failed") <= (job["name"] == "m:fails")
        if key in at:
            assert at[key] >= job["scheduledTime"], f"{job} ran before its time"
    canceled = {job["_id"] for job in found["jobs"] if job["state"]["kind"] == "canceled"}
    assert canceled == found["canceled in time"]
    assert effects.keys() <= {job["args"][0]["key"] for job in found["jobs"]}, "a job that was rolled back ran"
    assert kinds["success"]
    assert kinds["canceled"]


async def test_a_history_is_the_same_from_the_same_seed() -> None:
    assert await one_history(5) == await one_history(5)
