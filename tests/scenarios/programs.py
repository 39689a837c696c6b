"""Programs that hold the official clients, each in a process of its own, driven by JSON lines."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).resolve().parents[1] / "clients"
PATIENCE_S = 60.0


class ClientError(Exception):
    """What an official client threw. `data` is that of a ConvexError, in encoded JSON."""

    def __init__(self, described: dict[str, Any]) -> None:
        super().__init__(described["message"])
        self.name: str = described["name"]
        self.message: str = described["message"]
        self.is_convex_error: bool = described.get("isConvexError", False)
        self.data: Any = described.get("data")


class Following:
    """The results of one subscription, in the order in which the client reported them."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Any] = queue.Queue()
        self.seen: list[Any] = []

    def put(self, value: Any) -> None:
        self._waiting.put(value)

    def next(self, timeout: float = PATIENCE_S) -> Any:
        """The next result; raises if that is an error, and AssertionError when none comes."""
        try:
            value = self._waiting.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"No further result came within {timeout} s; before that: {self.seen[-3:]}") from None
        self.seen.append(value)
        if isinstance(value, Exception):
            raise value
        return value

    def until(self, wanted: Callable[[Any], bool], timeout: float = PATIENCE_S) -> Any:
        """The first result from here on that is `wanted`."""
        deadline = time.monotonic() + timeout
        while True:
            value = self.next(max(0.01, deadline - time.monotonic()))
            if wanted(value):
                return value

    def pending(self) -> list[Any]:
        """What has arrived and was not taken yet."""
        arrived = []
        while not self._waiting.empty():
            arrived.append(self._waiting.get_nowait())
        return arrived


class Program:
    """A program that speaks JSON lines. `events` holds what it said that answers no command."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self.events = Following()
        self._kept: list[dict[str, Any]] = []
        self.output: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line)
            if line.startswith("{"):
                self.heard(json.loads(line))
        self.heard({"event": "ended"})

    def heard(self, message: dict[str, Any]) -> None:
        self.events.put(message)

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def expect(self, event: str, timeout: float = PATIENCE_S, **fields: Any) -> dict[str, Any]:
        """The next event of that name whose fields have these values. Others that come before it are kept for later."""

        def wanted(message: dict[str, Any]) -> bool:
            return message["event"] == event and all(message.get(name) == value for name, value in fields.items())

        deadline = time.monotonic() + timeout
        while True:
            for at, message in enumerate(self._kept):
                if wanted(message):
                    return self._kept.pop(at)
            arrived = self.events.next(max(0.01, deadline - time.monotonic()))
            if arrived["event"] == "ended" and event != "ended":
                raise AssertionError(f"The program ended before it said {event}:\n{''.join(self.output)}")
            self._kept.append(arrived)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Waits for the program's own end; returns its exit code."""
        code = self._process.wait(timeout)
        self._reader.join(timeout)
        return code

    def close(self) -> None:
        """Ends the program and waits for it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Driver(Program):
    """A program that carries out commands: `tests/clients/driver.mjs` or `driver.py`."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._ids = itertools.count(1)
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        self.updates: dict[int, Following] = {}
        super().__init__(command)
        self.expect("ready")

    def heard(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]].set_result(message)
        elif message["event"] == "update":
            error = message.get("error")
            self.updates[message["subscription"]].put(message["value"] if error is None else ClientError(error))
        else:
            if message["event"] == "ended":
                ended = {"name": "Ended", "message": "the driver ended:\n" + "".join(self.output)}
                for waiting in self._answers.values():
                    if not waiting.done():
                        waiting.set_result({"error": ended})
            self.events.put(message)

    def next_id(self) -> int:
        return next(self._ids)

    def begin(self, command: str, **parameters: Any) -> Callable[..., Any]:
        """Sends a command; what it returns waits for the answer: `begin(...)(timeout=5)`."""
        number = self.next_id()
        answer: Future[dict[str, Any]] = Future()
        self._answers[number] = answer
        self.say(json.dumps({"id": number, "command": command, **parameters}))

        def finish(timeout: float = PATIENCE_S) -> Any:
            try:
                message = answer.result(timeout)
            except TimeoutError:
                raise AssertionError(f"{command} {parameters} was not answered within {timeout} s") from None
            if "error" in message:
                raise ClientError(message["error"])
            return message["ok"]

        return finish

    def subscribe(self, path: str, args: Any, **parameters: Any) -> Following:
        """Follows a query."""
        number = self.next_id()
        following = self.updates[number] = Following()
        self.begin("subscribe", path=path, args=args, subscription=number, **parameters)()
        return following

    def console(self) -> str:
        """All lines of output so far."""
        return "".join(self.output)
