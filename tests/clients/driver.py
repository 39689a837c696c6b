"""Lets a Python test drive the official Python client: the same commands and answers as `driver.mjs`, for one client.

The client needs a process of its own: while it waits for an answer or for the next result of a subscription it holds
Python's global lock, so that nothing else in its process runs. Its asynchronous iterator, which follows subscriptions
here, does not.

Usage: python driver.py URL
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from convex import ConvexClient, ConvexError, convex_to_json, json_to_convex


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def describe(error: Exception) -> dict[str, Any]:
    described: dict[str, Any] = {"name": type(error).__name__, "message": str(error)}
    if isinstance(error, ConvexError):
        described |= {"isConvexError": True, "data": convex_to_json(error.data)}
    return described


class Driver:
    """One client and the subscriptions that follow it."""

    def __init__(self, url: str) -> None:
        self.client = ConvexClient(url)
        self.following: set[asyncio.Task[None]] = set()

    async def follow(self, path: str, args: Any, number: int) -> None:
        subscription = self.client.subscribe(path, args)
        while True:
            try:
                say(event="update", subscription=number, value=convex_to_json(await anext(subscription)))
            except StopAsyncIteration:
                return
            except Exception as error:  # a failed query is a result; the next may succeed
                say(event="update", subscription=number, error=describe(error))

    def carry_out(self, command: str, path: str = "", args: Any = None, **more: Any) -> Any:
        arguments = json_to_convex(args or {})
        if command == "subscribe":
            task = asyncio.get_running_loop().create_task(self.follow(path, arguments, more["subscription"]))
            self.following.add(task)
            return None
        if command in ("query", "mutation", "action"):
            return convex_to_json(getattr(self.client, command)(path, arguments))
        if command == "setAuth":
            return self.client.set_auth(more["token"])
        if command == "clearAuth":
            return self.client.clear_auth()
        if command == "setAdminAuth":
            return self.client.set_admin_auth(more["key"])
        raise ValueError(f"driver.py knows no command {command!r}")

    def answer(self, line: str) -> None:
        message = json.loads(line)
        number = message.pop("id")
        try:
            say(id=number, ok=self.carry_out(**message))
        except Exception as error:
            say(id=number, error=describe(error))


async def main() -> None:
    driver = Driver(sys.argv[1])
    # The longest line is a call with arguments above their limit.
    reader = asyncio.StreamReader(limit=1 << 28)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say(event="ready")
    while line := await reader.readline():
        driver.answer(line.decode())


if __name__ == "__main__":
    asyncio.run(main())
