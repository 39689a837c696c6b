"""The official JavaScript clients, driven from Python: the other end of `tests/clients/driver.mjs`."""

from __future__ import annotations

import itertools
import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).resolve().parents[1] / "clients"
PATIENCE_S = 30.0


def node() -> str:
    """The Node.js of this environment (it is in requirements/dev.txt), else the machine's."""
    beside = Path(sys.executable).parent / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    assert found, "Node.js is missing: ./test installs it."
    assert (CLIENTS / "node_modules" / "convex").is_dir(), "The JavaScript clients are missing: ./test installs them."
    return found


class JsError(Exception):
    """What a JavaScript client threw. `data` is that of a ConvexError, in encoded JSON."""

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


class NodeProgram:
    """A Node.js program that speaks JSON lines. `events` holds what it said that answers no command."""

    def __init__(self, script: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [node(), str(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self.events = Following()
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
        """The next event of that name whose fields have these values."""

        def wanted(message: dict[str, Any]) -> bool:
            if message["event"] == "ended" and event != "ended":
                raise AssertionError(f"The program ended before it said {event}:\n{''.join(self.output)}")
            return message["event"] == event and all(message.get(name) == value for name, value in fields.items())

        return dict(self.events.until(wanted, timeout))

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
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()


class JsDriver(NodeProgram):
    """One Node.js process with any number of official clients in it."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self.updates: dict[int, Following] = {}
        super().__init__(CLIENTS / "driver.mjs")
        self.expect("ready")

    def heard(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]].put(message)
        elif message["event"] == "update":
            error = message.get("error")
            self.updates[message["subscription"]].put(message["value"] if error is None else JsError(error))
        else:
            if message["event"] == "ended":
                for waiting in self._answers.values():
                    waiting.put({"error": {"name": "Ended", "message": "the driver ended:\n" + "".join(self.output)}})
            self.events.put(message)

    def next_id(self) -> int:
        return next(self._ids)

    def begin(self, command: str, **parameters: Any) -> Callable[..., Any]:
        """Sends a command; what it returns waits for the answer: `begin(...)(timeout=5)`."""
        number = self.next_id()
        answer: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers[number] = answer
        self.say(json.dumps({"id": number, "command": command, **parameters}))

        def finish(timeout: float = PATIENCE_S) -> Any:
            try:
                message = answer.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError(f"{command} {parameters} was not answered within {timeout} s") from None
            if "error" in message:
                raise JsError(message["error"])
            return message["ok"]

        return finish

    def connect(self, url: str, **options: Any) -> JsClient:
        """A new ConvexClient: one WebSocket."""
        return JsClient(self, "open", url, options)

    def connect_http(self, url: str, **options: Any) -> JsClient:
        """A new ConvexHttpClient."""
        return JsClient(self, "openHttp", url, options)

    def console(self) -> str:
        """All lines of output so far."""
        return "".join(self.output)


class JsClient:
    """One client. Arguments and results are in encoded JSON; numbers come back as JavaScript prints them."""

    def __init__(self, driver: JsDriver, how: str, url: str, options: dict[str, Any]) -> None:
        self.driver = driver
        self.name = f"client {driver.next_id()}"
        self._do(how, url=url, options=options)

    def _do(self, command: str, **parameters: Any) -> Any:
        return self.driver.begin(command, client=self.name, **parameters)()

    def subscribe(self, path: str, args: dict[str, Any] | None = None) -> Following:
        number = self.driver.next_id()
        following = self.driver.updates[number] = Following()
        self._do("subscribe", path=path, args=args or {}, subscription=number)
        return following

    def query(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self._do("query", path=path, args=args or {})

    def consistent_query(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self._do("consistentQuery", path=path, args=args or {})

    def mutation(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self.begin_mutation(path, args)()

    def begin_mutation(
        self, path: str, args: dict[str, Any] | None = None, *, optimistic: str | None = None
    ) -> Callable[..., Any]:
        return self.driver.begin("mutation", client=self.name, path=path, args=args or {}, optimistic=optimistic)

    def action(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self._do("action", path=path, args=args or {})

    def set_auth(self, token: str | None = None) -> None:
        """WebSocket clients ask for tokens by `tokenWanted` events (see `give_token`); HTTP clients take one."""
        self._do("setAuth", token=token)

    def give_token(self, token: str | None, *, force: bool | None = None, timeout: float = PATIENCE_S) -> None:
        """Waits until the client wants a token (a forced fresh one, if `force` is said), then gives it this one."""
        wanted = self.driver.expect("tokenWanted", timeout, client=self.name)
        if force is not None:
            assert wanted["forceRefreshToken"] is force
        self.driver.begin("giveToken", client=self.name, request=wanted["request"], token=token)()

    def auth_changed(self, timeout: float = PATIENCE_S) -> bool:
        """Waits for the client's next word on whether it is signed in."""
        return bool(self.driver.expect("authChanged", timeout, client=self.name)["isAuthenticated"])

    def clear_auth(self) -> None:
        self._do("clearAuth")

    def set_admin_auth(self, key: str, identity: dict[str, Any] | None = None) -> None:
        self._do("setAdminAuth", key=key, identity=identity)

    def connection_state(self) -> dict[str, Any]:
        return dict(self._do("connectionState"))

    def close(self) -> None:
        self._do("close")
