"""Work for later, in a server that is killed, restarted, deployed to: nothing happens twice, nothing is forgotten."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.js_client import JsDriver
from tests.scenarios.server_process import PATIENCE_S, ServerProcess

JOBS = """
import asyncio
import os
from parabola import action, internal, internal_action, internal_mutation, mutation, query, v


@mutation
async def plan(ctx, keys: list[str], delay: float = 0.0):
    for key in keys:
        await ctx.scheduler.run_after(delay, internal.jobs.count, {"key": key})


@internal_mutation
async def count(ctx, key: str):
    counter = await ctx.db.query("counters").first()
    if counter is None:
        await ctx.db.insert("counters", {"count": 1})
    else:
        await ctx.db.patch(counter["_id"], {"count": counter["count"] + 1})
    await ctx.db.insert("counted", {"key": key})


@query
async def counted(ctx):
    counter = await ctx.db.query("counters").first()
    rows = await ctx.db.query("counted").collect()
    return {"count": counter and counter["count"], "keys": [row["key"] for row in rows]}


@mutation
async def plan_actions(ctx, keys: list[str], file: str):
    for key in keys:
        await ctx.scheduler.run_after(0, internal.jobs.write, {"key": key, "file": file})


@internal_action
async def write(ctx, key: str, file: str):
    # The effect, outside of every transaction; it is there even if the process dies right after it.
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{key}\\n".encode())
    os.close(descriptor)
    # One of them is under way for certain when the server is killed; others may be.
    await asyncio.sleep(3600 if key.endswith("held") else 0.02)


@query
async def states(ctx):
    rows = await ctx.db.system.query("_scheduled_functions").collect()
    return [{"args": row["args"][0], "name": row["name"], **row["state"]} for row in rows]


@query
async def in_progress(ctx):
    rows = await ctx.db.system.query("_scheduled_functions").collect()
    return [row["args"][0]["key"] for row in rows if row["state"]["kind"] == "inProgress"]


@query
async def kinds(ctx):
    rows = await ctx.db.system.query("_scheduled_functions").collect()
    return [row["state"]["kind"] for row in rows]
"""
CRONS = """
from parabola import Crons, internal
crons = Crons()
crons.interval("tick", internal.jobs.count, {"key": "KEY"}, seconds=1)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "backend").mkdir(parents=True)
    (folder / "backend" / "jobs.py").write_text(JOBS)
    return folder


def ask(server: ServerProcess, path: str) -> Any:
    answer = server.call("query", path)
    assert answer["status"] == "success", answer
    return answer["value"]


def wait_for(server: ServerProcess, path: str, wanted: Callable[[Any], bool]) -> Any:
    """The answer of a query, once it is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        value = ask(server, path)
        if wanted(value):
            return value
        assert time.monotonic() < deadline, f"{path} stayed {value!r}"
        time.sleep(0.02)


def all_ended(states: list[dict[str, Any]]) -> bool:
    return all(state["kind"] not in ("pending", "inProgress") for state in states)


def test_scheduled_mutations_happen_exactly_once_however_often_the_server_is_killed(
    start_server: Callable[..., ServerProcess], project: Path
) -> None:
    server = start_server(project, command="serve")
    dice = random.Random(4)
    keys: list[str] = []
    for number in range(6):
        more = [f"{number}-{at}" for at in range(150)]
        assert server.call("mutation", "jobs:plan", {"keys": more})["status"] == "success"
        keys += more
        enough = len(keys) - dice.randrange(1, 150)
        wait_for(server, "jobs:counted", lambda now, enough=enough: len(now["keys"]) >= enough)  # type: ignore[misc]
        server.restart()
    states = wait_for(server, "jobs:states", all_ended)
    assert Counter(state["kind"] for state in states) == {"success": len(keys)}
    counted = ask(server, "jobs:counted")
    assert sorted(counted["keys"]) == sorted(keys)
    assert counted["count"] == len(keys)


def test_scheduled_actions_happen_at_most_once_however_often_the_server_is_killed(
    start_server: Callable[..., ServerProcess], project: Path, tmp_path: Path
) -> None:
    server = start_server(project, command="serve")
    file = tmp_path / "effects"
    file.touch()
    planned = 0
    dice = random.Random(5)
    for number in range(5):
        keys = [f"{number}-{at}" for at in range(40)]
        keys[dice.randrange(40)] = held = f"{number}-held"
        call = server.call("mutation", "jobs:plan_actions", {"keys": keys, "file": str(file)})
        assert call["status"] == "success"
        planned += len(keys)
        wait_for(server, "jobs:in_progress", lambda keys, held=held: held in keys)  # type: ignore[misc]
        server.restart()
    states = wait_for(server, "jobs:states", all_ended)
    assert len(states) == planned
    effects = Counter(file.read_text().split())
    assert max(effects.values()) == 1
    cut_off = [state for state in states if state["kind"] == "failed"]
    assert {f"{number}-held" for number in range(5)} <= {state["args"]["key"] for state in cut_off}
    assert {state["error"] for state in cut_off} == {"Transient error while executing action"}
    succeeded = {state["args"]["key"] for state in states if state["kind"] == "success"}
    assert succeeded <= effects.keys()
    assert len(succeeded) + len(cut_off) == planned


def test_what_became_due_while_the_server_was_away_runs_when_it_is_back(
    start_server: Callable[..., ServerProcess], project: Path
) -> None:
    server = start_server(project)
    planned = time.time()
    server.call("mutation", "jobs:plan", {"keys": ["late"], "delay": 1000})
    server.kill()
    while time.time() < planned + 1.2:
        time.sleep(0.05)
    server.start()
    assert wait_for(server, "jobs:counted", lambda now: bool(now["keys"]))["keys"] == ["late"]


def test_the_jobs_of_others_move_live_in_the_javascript_client(
    start_server: Callable[..., ServerProcess], project: Path, js: JsDriver
) -> None:
    server = start_server(project)
    client = js.connect(server.url)
    kinds = client.subscribe("jobs:kinds")
    assert kinds.next() == []
    client.mutation("jobs:plan", {"keys": ["a"], "delay": 3000})
    assert kinds.until(lambda now: now == ["pending"]) == ["pending"]
    assert kinds.until(lambda now: now != ["pending"]) == ["success"]


def test_the_command_line_shows_the_jobs(start_server: Callable[..., ServerProcess], project: Path) -> None:
    server = start_server(project)
    server.call("mutation", "jobs:plan", {"keys": ["a"], "delay": 3_600_000})
    shown = json.loads(server.parabola("data", "_scheduled_functions", "--json", "--url", server.url))
    assert [(row["name"], row["args"], row["state"]) for row in shown] == [
        ("jobs:count", [{"key": "a"}], {"kind": "pending"})
    ]


def test_saving_crons_puts_the_new_set_in_force(start_server: Callable[..., ServerProcess], project: Path) -> None:
    crons = project / "backend" / "crons.py"
    crons.write_text(CRONS.replace("KEY", "old"))
    server = start_server(project)
    wait_for(server, "jobs:counted", lambda now: now["keys"].count("old") >= 2)

    crons.write_text(CRONS.replace("KEY", "new"))
    wait_for(server, "jobs:counted", lambda now: "new" in now["keys"])
    since = ask(server, "jobs:counted")["keys"]
    server.restart()
    now = wait_for(server, "jobs:counted", lambda now: len(now["keys"]) >= len(since) + 2)["keys"]
    assert set(now[len(since) :]) == {"new"}

    line = server.log_lines()
    crons.write_text(CRONS.replace("jobs.count", "jobs.counted"))
    server.wait_for_log(r"crons.py: the cron job 'tick' calls jobs:counted, which is a Query", after_line=line)
    wait_for(server, "jobs:counted", lambda later: len(later["keys"]) > len(now))
