"""What the hot path may cost, as multiples of a loop of plain Python in the same process; what it must not do at all.

The multiples are five times and more what was measured, so that a busy machine does not fail them and a lost fast path
does. Each takes the best of several rounds, of CPU time and not of the clock on the wall.
"""

from __future__ import annotations

import asyncio
import copy
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from parabola import define_schema, define_table, mutation, v
from parabola.backend.backend import Backend
from parabola.backend.deploy import put_schema_in_force
from parabola.backend.sync_transport import NoTransport
from parabola.functions.driver import start
from parabola.functions.loader import Deployment
from parabola.functions.logs import LogLines
from parabola.schema import compile_check
from parabola.server.websocket_frames import FrameReader, apply_mask, write_text
from tests.unit.database.helpers import open_database, write

ROUNDS = 5
MUTATIONS = 200


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Microseconds of this thread's CPU time for one `work`: the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(times):
            work()
        best = min(best, time.thread_time() - began)
    return best / times * 1e6


def calibration_loop() -> int:
    """A hundred turns of the interpreter: about 3 µs on a machine of 2024."""
    total = 0
    for number in range(100):
        total += number & 7
    return total


def cost(work: Callable[[], object], times: int = 1_000) -> float:
    """What one `work` costs, in calibration loops."""
    loop_us = min(cpu_us(calibration_loop, 500), cpu_us(calibration_loop, 500))
    return cpu_us(work, times) / loop_us


class NoTable:
    def table_name(self, number: int) -> str | None:
        return None


def test_validating_an_object_of_seven_fields_costs_less_than_three_loops() -> None:
    check = compile_check(
        v.object(
            {
                "name": v.string(),
                "age": v.number(),
                "email": v.optional(v.string()),
                "tags": v.array(v.string()),
                "address": v.object({"street": v.string(), "number": v.number(), "verified": v.boolean()}),
            }
        )
    )
    value = {
        "name": "Ada",
        "age": 36,
        "tags": ["a", "b"],
        "address": {"street": "High St", "number": 7, "verified": True},
    }
    tables = NoTable()
    assert cost(lambda: check(value, tables)) < 3


class Run:
    """As much of a run as driving needs."""

    def __init__(self) -> None:
        self.log = LogLines()
        self.tasks: list[asyncio.Future[Any]] | None = None
        self.user_time = 0.0


class Watch:
    def begin(self, run: Any) -> None:
        pass

    def end(self) -> None:
        pass


async def nothing() -> None:
    """Ends at once, as reads from the database do."""


async def handler() -> int:
    for _ in range(5):
        await nothing()
    return 5


def test_driving_a_handler_that_does_not_wait_costs_less_than_eight_loops() -> None:
    async def measured() -> float:
        run, watch = Run(), Watch()
        return cost(lambda: start(handler(), run, watch))

    assert asyncio.run(measured()) < 8


def test_an_echo_through_the_frames_costs_less_than_five_loops() -> None:
    text = (
        b'{"type":"Mutation","requestId":1,"udfPath":"accounts:transfer","args":[{"amount":1,"source":3,"target":4}]}'
    )
    mask = os.urandom(4)
    frame = bytes((0x81, 0x80 | len(text))) + mask + apply_mask(text, mask)
    reader = FrameReader(1 << 20)

    def echo() -> bytes:
        (received,) = reader.feed(frame)
        return write_text(received.payload)

    assert echo()[2:] == text
    assert cost(echo) < 5


def test_reading_two_documents_and_patching_both_costs_less_than_a_hundred_loops() -> None:
    database = open_database()
    ids: list[str] = []
    write(database, lambda tx: ids.extend(tx.insert("accounts", {"number": at, "balance": 1}) for at in range(1000)))

    def transfer() -> None:
        tx = database.begin_mutation()
        for document_id in (ids[0], ids[999]):
            document = tx.get(document_id)
            assert document is not None
            tx.patch(document_id, {"balance": document["balance"] + 1})
        database.commit(tx, lambda result: None)

    assert cost(transfer, 300) < 100


def test_a_lookup_by_an_index_costs_less_than_thirty_loops() -> None:
    database = open_database()
    schema = define_schema(accounts=define_table(number=v.number()).index("by_number", ["number"]))
    asyncio.run(put_schema_in_force(database, schema))
    write(database, lambda tx: [tx.insert("accounts", {"number": at}) for at in range(1000)])
    tx = database.begin_query()

    def look_up() -> None:
        found = tx.system_query("accounts").with_index("by_number", lambda q: q.eq("number", 500)).unique()
        assert found is not None

    assert cost(look_up, 500) < 30


# What must not happen on the way of a mutation.


@mutation(args={"source": v.number(), "target": v.number()})
async def transfer(ctx: Any, source: float, target: float) -> bool:
    found: list[dict[str, Any]] = []
    for number in (source, target):
        found.append(
            await ctx.db.query("accounts")
            .with_index("by_number", lambda q, number=number: q.eq("number", number))
            .unique()
        )
    for account, change in zip(found, (-1, 1), strict=True):
        await ctx.db.patch(account["_id"], {"balance": account["balance"] + change})
    return True


@mutation(args={"count": v.number()})
async def seed(ctx: Any, count: float) -> None:
    for number in range(int(count)):
        await ctx.db.insert("accounts", {"number": number, "balance": 100})


class Socket(NoTransport):
    """A client that sends its next transfer as soon as the last one is answered."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self.loop = loop
        self.left = count
        self.finished = loop.create_future()
        self.connection: Any = None

    def begin(self) -> None:
        self.connection.receive_text(
            b'{"type":"Connect","sessionId":"c2216264-096e-49aa-9baf-039a605f17a3","connectionCount":0,'
            b'"lastCloseReason":"InitialConnect","clientTs":0}'
        )
        self.send()

    def send(self) -> None:
        self.left -= 1
        self.connection.receive_text(
            b'{"type":"Mutation","requestId":%d,"udfPath":"bank:transfer","args":[{"source":%d,"target":%d}]}'
            % (self.left, self.left % 10, (self.left + 1) % 10)
        )

    def send_texts(self, texts: Sequence[bytes]) -> None:
        for text in texts:
            if b"MutationResponse" in text:
                assert b'"success":true' in text, text
                if self.left:
                    self.loop.call_soon(self.send)
                else:
                    self.finished.set_result(None)


async def send_transfers(before: Callable[[], None], after: Callable[[], None]) -> None:
    """Sends mutations over a socket; `before` and `after` bracket those that count."""
    schema = define_schema(accounts=define_table(number=v.number(), balance=v.number()).index("by_number", ["number"]))
    deployment = Deployment({"bank:transfer": transfer, "bank:seed": seed}, schema=schema)
    async with Backend(deployment, storage="memory") as backend:
        await backend.mutation("bank:seed", {"count": 10})
        socket = Socket(asyncio.get_running_loop(), MUTATIONS)
        socket.connection = backend.connect(socket)
        before()
        socket.begin()
        await socket.finished
        after()


async def test_no_task_is_created_for_a_mutation() -> None:
    loop = asyncio.get_running_loop()
    created: list[str] = []

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Future[Any]:
        created.append(repr(coroutine))
        return asyncio.Task(coroutine, loop=loop, **options)

    await send_transfers(lambda: loop.set_task_factory(make), lambda: loop.set_task_factory(None))
    assert created == []


async def test_nothing_is_copied_deeply_for_a_mutation(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(value: Any, memo: Any = None) -> Any:
        raise AssertionError("copy.deepcopy was called")

    await send_transfers(lambda: monkeypatch.setattr(copy, "deepcopy", refuse), monkeypatch.undo)
