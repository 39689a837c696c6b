"""The baseline: FastAPI, asyncpg, LISTEN/NOTIFY and WebSockets, one worker. What a Python team would build instead.

It does by hand what Parabola does by itself, for one table: serializable transactions with retries, a trigger that
notifies, a listener that looks up who is subscribed, and a push to each.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

DSN = os.environ["BENCHMARK_DSN"]
ACCOUNTS = int(os.environ.get("BENCHMARK_ACCOUNTS", "10000"))
SCHEMA = """
    drop table if exists accounts;
    create table accounts (number integer primary key, balance double precision not null);
    create or replace function tell_change() returns trigger language plpgsql as
        $$ begin perform pg_notify('accounts', new.number::text); return null; end $$;
    create trigger tell_change after update on accounts for each row execute function tell_change();
"""
TRANSFER_ATTEMPTS_MAX = 20

subscribers: dict[int, set[WebSocket]] = {}
changed: set[int] = set()
something_changed = asyncio.Event()


class Transfer(BaseModel):
    source: int
    target: int
    amount: float


def encode(row: asyncpg.Record) -> dict[str, Any]:
    return {"number": row["number"], "balance": row["balance"]}


async def push_changes(pool: asyncpg.Pool) -> None:
    """Reads what changed, once for all who watch it, and sends it to each."""
    while True:
        await something_changed.wait()
        something_changed.clear()
        numbers = list(changed)
        changed.clear()
        for row in await pool.fetch("select number, balance from accounts where number = any($1::int[])", numbers):
            message = orjson.dumps({"type": "update", **encode(row)}).decode()
            for socket in list(subscribers.get(row["number"], ())):
                try:
                    await socket.send_text(message)
                except (RuntimeError, WebSocketDisconnect):
                    subscribers[row["number"]].discard(socket)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = pool = await asyncpg.create_pool(DSN, min_size=10, max_size=10)
    async with pool.acquire() as connection:
        await connection.execute(SCHEMA)
        await connection.execute(
            "insert into accounts select number, 1000000 from generate_series(0, $1::int - 1) number", ACCOUNTS
        )
        await connection.execute("analyze accounts")

    def heard(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        number = int(str(payload))
        if number in subscribers:
            changed.add(number)
            something_changed.set()

    listener = await asyncpg.connect(DSN)
    await listener.add_listener("accounts", heard)
    pusher = asyncio.create_task(push_changes(pool))
    yield
    pusher.cancel()
    await listener.close()
    await pool.close()


app = FastAPI(lifespan=lifespan)


@app.post("/transfer")
async def transfer(wanted: Transfer) -> bool:
    pool: asyncpg.Pool = app.state.pool
    for attempt in range(TRANSFER_ATTEMPTS_MAX):
        try:
            async with pool.acquire() as connection, connection.transaction(isolation="serializable"):
                rows = await connection.fetch(
                    "select number, balance from accounts where number = any($1::int[])",
                    [wanted.source, wanted.target],
                )
                balances = {row["number"]: row["balance"] for row in rows}
                if balances[wanted.source] < wanted.amount:
                    return False
                update = "update accounts set balance = $2 where number = $1"
                await connection.execute(update, wanted.source, balances[wanted.source] - wanted.amount)
                await connection.execute(update, wanted.target, balances[wanted.target] + wanted.amount)
            return True
        except asyncpg.SerializationError:
            await asyncio.sleep(0.001 * attempt)
    raise RuntimeError("The transfer kept losing against others.")


@app.get("/accounts/{number}")
async def get(number: int) -> dict[str, Any]:
    return encode(await app.state.pool.fetchrow("select number, balance from accounts where number = $1", number))


@app.get("/hundred/{start}")
async def hundred(start: int) -> list[dict[str, Any]]:
    rows = await app.state.pool.fetch(
        "select number, balance from accounts where number >= $1 order by number limit 100", start
    )
    return [encode(row) for row in rows]


@app.websocket("/ws")
async def watch(socket: WebSocket) -> None:
    await socket.accept()
    watched: set[int] = set()
    try:
        while True:
            number = int(orjson.loads(await socket.receive_text())["watch"])
            subscribers.setdefault(number, set()).add(socket)
            watched.add(number)
            row = await app.state.pool.fetchrow("select number, balance from accounts where number = $1", number)
            await socket.send_text(orjson.dumps({"type": "update", **encode(row)}).decode())
    except WebSocketDisconnect:
        pass
    finally:
        for number in watched:
            subscribers[number].discard(socket)
