"""A small application, and how the tests of the driver use it."""

from __future__ import annotations

from typing import Any

from parabola import ConvexError, mutation, query
from tests.sync_world import MemorySocket, World

# The arguments of each run of a query since the list was last cleared.
runs: list[str] = []


@query
async def list_messages(ctx: Any, channel: str = "general") -> Any:
    runs.append(channel)
    rows = await ctx.db.query("messages").filter(lambda q: q.eq(q.field("channel"), channel)).collect()
    return sorted(row["body"] for row in rows)


@query
async def get_message(ctx: Any, id: str) -> Any:
    runs.append(id)
    row = await ctx.db.get(id)
    return None if row is None else row["body"]


@query
async def whoami(ctx: Any) -> Any:
    runs.append("whoami")
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]


@query
async def failing(ctx: Any) -> Any:
    runs.append("failing")
    rows = await ctx.db.query("messages").collect()
    raise ConvexError({"count": len(rows)})


@query
async def time_of(ctx: Any) -> Any:
    runs.append("time")
    return ctx.now()


@mutation
async def send(ctx: Any, body: str, channel: str = "general") -> Any:
    return await ctx.db.insert("messages", {"body": body, "channel": channel})


@mutation
async def edit(ctx: Any, id: str, body: str) -> Any:
    await ctx.db.patch(id, {"body": body})


@mutation
async def refuse(ctx: Any) -> Any:
    raise ConvexError("boom")


@mutation
async def read_only(ctx: Any) -> Any:
    return len(await ctx.db.query("messages").collect())


FUNCTIONS = {
    "messages:list": list_messages,
    "messages:get": get_message,
    "messages:send": send,
    "messages:edit": edit,
    "messages:refuse": refuse,
    "messages:read_only": read_only,
    "messages:failing": failing,
    "users:whoami": whoami,
    "clock:time_of": time_of,
}


def follow(world: World, path: str = "messages:list", args: dict[str, Any] | None = None) -> MemorySocket:
    socket = world.connect()
    socket.add(0, {0: (path, args or {})})
    world.settle()
    return socket


def mutate(world: World, socket: MemorySocket, request_id: int, path: str = "messages:send", **args: Any) -> Any:
    socket.send("Mutation", requestId=request_id, udfPath=path, args=[args])
    world.settle()
    messages = socket.take()
    (answer,) = [message for message in messages if message["type"] == "MutationResponse"]
    return answer
