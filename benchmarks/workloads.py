"""The workloads. Each answers one question and returns plain numbers; `benchmarks/README.md` says what they mean.

They run in a process of their own (`python -m benchmarks.load`), so that the generator's work and the server's do not
meet. Rates are medians of the repetitions after a warm-up. Whatever keeps a server busy is done in a turn (`turns.py`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.clients import Client
from benchmarks.measure import CpuClock, median, now, percentile, resident_megabytes
from benchmarks.turns import turn

Result = dict[str, float]
REPETITIONS = 5
SETTLE_S = 1.0
"""How long each turn goes on before the measuring begins: the other system may still be writing what it had put off."""
WARM_UP_S = 3.0
"""Both systems begin with what was just seeded: the time for caches to fill and for background writing to end."""
LATENCY_WARM_UP = 10
"""How many writes of a turn come before those whose latency counts."""
WARM_UP_S_MAX = 15.0
"""The same where every account is touched once before the measuring begins."""


@dataclass(frozen=True)
class Setting:
    """What every workload is given. `seconds` is the length of one repetition."""

    client: Client
    pids: Sequence[int]
    accounts: int
    seconds: float
    cpu: CpuClock
    dice: random.Random


def two_accounts(setting: Setting, least: int = 0) -> tuple[int, int]:
    """Two different accounts, of those numbered `least` and above."""
    source = setting.dice.randrange(least, setting.accounts)
    target = least + (source - least + 1 + setting.dice.randrange(setting.accounts - least - 1)) % (
        setting.accounts - least
    )
    return source, target


async def closed_loop(setting: Setting, calls: Sequence[Callable[[], Awaitable[None]]]) -> Result:
    """Each of `calls` is made again as soon as its last answer has come."""
    rates: list[float] = []
    cpu_us: list[float] = []
    p50: list[float] = []
    p99: list[float] = []
    for repetition in range(REPETITIONS + 1):
        took: list[float] = []

        async def one(call: Callable[[], Awaitable[None]], end: float, took: list[float]) -> None:
            while (start := now()) < end:
                await call()
                took.append(now() - start)

        async with turn():
            end = now() + (SETTLE_S if repetition else WARM_UP_S)
            await asyncio.gather(*(one(call, end, []) for call in calls))
            began, cpu = now(), setting.cpu.seconds()
            if repetition:
                end = began + setting.seconds
                await asyncio.gather(*(one(call, end, took) for call in calls))
                ended, used = now(), setting.cpu.seconds() - cpu
        if repetition:
            rates.append(len(took) / (ended - began))
            cpu_us.append(used / len(took) * 1e6)
            p50.append(percentile(took, 0.5) * 1e3)
            p99.append(percentile(took, 0.99) * 1e3)
    return {
        "per_s": median(rates),
        "server_cpu_us": median(cpu_us),
        "p50_ms": median(p50),
        "p99_ms": median(p99),
        "spread": (max(rates) - min(rates)) / median(rates),
    }


async def transfer(setting: Setting, clients: int = 50) -> Result:
    """B1: how many durable transfers between two random accounts does the system do with 50 clients?"""
    writers = [await setting.client.writer() for _ in range(clients)]
    pairs = iter(range(0, setting.accounts - 1, 2))

    async def touch_all(write: Callable[[int, int], Awaitable[None]], deadline: float) -> None:
        for number in pairs:
            await write(number, number + 1)
            if now() > deadline:
                return

    async with turn():
        deadline = now() + WARM_UP_S_MAX
        await asyncio.gather(*(touch_all(write, deadline) for write in writers))
    return await closed_loop(setting, [lambda write=write: write(*two_accounts(setting)) for write in writers])


async def latency(setting: Setting, subscribers: int = 100, writes: int = 30) -> Result:
    """B4: how long after a write do 100 subscribers of the written account see it, at 20 writes a second?"""
    took: list[float] = []
    sent = 0.0

    def arrived() -> None:
        took.append(now() - sent)

    closers = [await setting.client.watch([0], arrived) for _ in range(subscribers)]
    write = await setting.client.writer()
    acknowledged: list[float] = []
    received: list[float] = []
    for _ in range(REPETITIONS):
        answers: list[float] = []
        async with turn():
            for number in range(LATENCY_WARM_UP + writes):
                if number == LATENCY_WARM_UP:
                    took.clear()
                    answers.clear()
                sent = now()
                await write(0, setting.dice.randrange(1, setting.accounts))
                answers.append(now() - sent)
                await asyncio.sleep(max(0.0, 0.05 - (now() - sent)))
            await asyncio.sleep(0.3)
        acknowledged += answers
        received += took
        took.clear()
    for close in closers:
        close()
    return {
        "received": len(received) / (REPETITIONS * writes * subscribers),
        "p50_ms": percentile(received, 0.5) * 1e3,
        "p99_ms": percentile(received, 0.99) * 1e3,
        "acknowledged_p50_ms": percentile(acknowledged, 0.5) * 1e3,
    }


async def _fan_out(setting: Setting, subscribers: int, distinct: bool) -> Result:
    received = 0
    everybody = asyncio.Event()

    def arrived() -> None:
        nonlocal received
        received += 1
        if received >= subscribers:
            everybody.set()

    closers: list[Callable[[], None]] = []
    async with turn():
        began = now()
        for start in range(0, subscribers, 50):
            closers += await asyncio.gather(
                *(setting.client.watch([0], arrived, tag=at if distinct else None) for at in range(start, start + 50))
            )
        subscribed_s = now() - began
    write = await setting.client.writer()
    rates: list[float] = []
    cpu_us: list[float] = []
    rounds: list[float] = []

    async def write_and_wait_until(end: float) -> list[float]:
        """Writes, each when everybody has seen the last; how long each took."""
        nonlocal received
        took: list[float] = []
        while (start := now()) < end:
            received = 0
            everybody.clear()
            await write(0, setting.dice.randrange(1, setting.accounts))
            await asyncio.wait_for(everybody.wait(), 10)
            took.append(now() - start)
        return took

    for _ in range(REPETITIONS):
        async with turn():
            await write_and_wait_until(now() + SETTLE_S)
            began, cpu = now(), setting.cpu.seconds()
            took = await write_and_wait_until(began + setting.seconds)
            rates.append(len(took) * subscribers / (now() - began))
            cpu_us.append((setting.cpu.seconds() - cpu) / (len(took) * subscribers) * 1e6)
        rounds += took
    for close in closers:
        close()
    return {
        "per_s": median(rates),
        "server_cpu_us": median(cpu_us),
        "round_p50_ms": percentile(rounds, 0.5) * 1e3,
        "round_p99_ms": percentile(rounds, 0.99) * 1e3,
        "subscribe_s": subscribed_s,
        "resident_mb": resident_megabytes(setting.pids[:1]),
    }


async def fan_out(setting: Setting) -> Result:
    """B5: how many deliveries a second reach 1,000 subscribers of one account, one write after the other?"""
    return await _fan_out(setting, 1000, distinct=False)


async def fan_out_distinct(setting: Setting) -> Result:
    """B5: the same with 1,000 queries that differ, so that each has to run again?"""
    return await _fan_out(setting, 1000, distinct=True)


async def _read(setting: Setting, what: str, transport: str, clients: int = 50) -> Result:
    reads = [await setting.client.reader(what, transport) for _ in range(clients)]
    highest = setting.accounts - 100
    return await closed_loop(setting, [lambda read=read: read(setting.dice.randrange(highest)) for read in reads])


async def read_one_socket(setting: Setting) -> Result:
    """B6: how many point queries a second, over the WebSocket with 50 clients?"""
    return await _read(setting, "get", "socket")


async def read_one_http(setting: Setting) -> Result:
    """B6: how many point queries a second, over HTTP with 50 clients?"""
    return await _read(setting, "get", "http")


async def read_hundred_socket(setting: Setting) -> Result:
    """B6: how many queries of 100 rows a second, over the WebSocket with 50 clients?"""
    return await _read(setting, "hundred", "socket")


async def read_hundred_http(setting: Setting) -> Result:
    """B6: how many queries of 100 rows a second, over HTTP with 50 clients?"""
    return await _read(setting, "hundred", "http")


async def _with_live_queries(setting: Setting, queries: int, touched: bool) -> Result:
    """Commits by 10 writers while `queries` accounts are watched; a commit touches none of them, or exactly one."""
    updates = 0

    def arrived() -> None:
        nonlocal updates
        updates += 1

    per_connection = min(100, queries)
    closers = [
        await setting.client.watch(list(range(start, start + per_connection)), arrived)
        for start in range(0, queries, per_connection)
    ]
    writers = [await setting.client.writer() for _ in range(10)]

    def write_somewhere(write: Callable[[int, int], Awaitable[None]]) -> Awaitable[None]:
        source, target = two_accounts(setting, least=10_000)
        return write(setting.dice.randrange(queries) if touched else source, target)

    result = await closed_loop(setting, [lambda write=write: write_somewhere(write) for write in writers])
    assert (updates > 0) is touched
    for close in closers:
        close()
    return {**result, "resident_mb": resident_megabytes(setting.pids[:1])}


async def ten_queries_untouched(setting: Setting) -> Result:
    """B8: what does a commit cost beside 10 live queries that it does not touch?"""
    return await _with_live_queries(setting, 10, touched=False)


async def ten_thousand_queries_untouched(setting: Setting) -> Result:
    """B8: what does a commit cost beside 10,000 live queries that it does not touch?"""
    return await _with_live_queries(setting, 10_000, touched=False)


async def ten_queries_touched(setting: Setting) -> Result:
    """B8: what does a commit cost that touches one of 10 live queries?"""
    return await _with_live_queries(setting, 10, touched=True)


async def ten_thousand_queries_touched(setting: Setting) -> Result:
    """B8: what does a commit cost that touches one of 10,000 live queries?"""
    return await _with_live_queries(setting, 10_000, touched=True)


WORKLOADS: dict[str, Callable[[Setting], Awaitable[Result]]] = {
    workload.__name__: workload
    for workload in (
        transfer,
        latency,
        fan_out,
        fan_out_distinct,
        read_one_socket,
        read_one_http,
        read_hundred_socket,
        read_hundred_http,
        ten_queries_untouched,
        ten_thousand_queries_untouched,
        ten_queries_touched,
        ten_thousand_queries_touched,
    )
}
