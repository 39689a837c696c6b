"""The server's end of a client peer, without a socket: receives and sends dicts, and checks the peer at each step."""

from __future__ import annotations

import base64
from typing import Any, TypeVar

import orjson

from parabola.seams import ManualClock, SeededEntropy
from parabola.sync.client_effects import CloseSocket, OpenSocket, QueryToken, RequestDone, ResultsChanged
from parabola.sync.client_peer import ClientPeer, encode_args, query_token
from parabola.sync.versions import encode_ts

E = TypeVar("E")
START_NS = 1_800_000_000_000_000_000


def token(lifetime_s: float = 600, *, name: str = "alice", issued_s: float = START_NS / 1e9) -> str:
    """Something that looks like a JWT; its signature is nobody's."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({'sub': name, 'iat': issued_s, 'exp': issued_s + lifetime_s})}.sig"


class Wire:
    """One client peer, and what its sockets carry."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock(START_NS)
        self.peer = ClientPeer(session_id="a-session", clock=self.clock, entropy=SeededEntropy(1), **options)
        self.socket = 0
        self.version: tuple[int, int, int] = (0, 0, 0)
        self.effects: list[Any] = []

    # The socket.

    def open(self) -> list[dict[str, Any]]:
        """Opens the socket that the peer asked for; what it says at once."""
        self.peer.start()
        self.collect()
        wanted = [effect.number for effect in self.effects if isinstance(effect, OpenSocket)]
        assert wanted, "the peer asks for no socket"
        self.socket = wanted[-1]
        self.effects = [effect for effect in self.effects if not isinstance(effect, OpenSocket)]
        self.version = (0, 0, 0)
        self.peer.socket_opened(self.socket)
        return self.take()

    def lose(self, code: int | None = 1006, reason: str = "") -> None:
        self.peer.socket_closed(self.socket, code, reason)
        self.collect()

    def reopen(self) -> list[dict[str, Any]]:
        """Waits until the peer connects again, and lets it."""
        while not any(isinstance(effect, OpenSocket) for effect in self.effects):
            self.pass_time_to_deadline()
        return self.open()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.peer.tick()
        self.collect()

    def pass_time_to_deadline(self) -> None:
        assert self.peer.deadline is not None, "nothing is due"
        self.pass_time(max(0.0, self.peer.deadline - self.clock.monotonic()) + 1e-6)

    # Messages.

    def take(self) -> list[dict[str, Any]]:
        """What the peer sent since the last time."""
        self.collect()
        taken = [orjson.loads(text) for text in self.peer.outgoing]
        self.peer.outgoing.clear()
        return taken

    def send(self, kind: str, **fields: Any) -> None:
        self.peer.receive(self.socket, orjson.dumps({"type": kind, **fields}))
        self.collect()

    def transition(
        self,
        ts: int,
        *modifications: dict[str, Any],
        query_set: int | None = None,
        identity: int | None = None,
        **more: Any,
    ) -> None:
        """A Transition from where the last one ended; it covers all that was asked, unless it is said otherwise."""
        self.send(
            "Transition", **self.transition_fields(ts, *modifications, query_set=query_set, identity=identity, **more)
        )

    def transition_fields(
        self,
        ts: int,
        *modifications: dict[str, Any],
        query_set: int | None = None,
        identity: int | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        start = self.version
        self.version = (
            self.peer.queries.version if query_set is None else query_set,
            start[1] if identity is None else identity,
            ts,
        )
        return {
            "startVersion": wire_version(start),
            "endVersion": wire_version(self.version),
            "modifications": list(modifications),
            **more,
        }

    def succeed(self, request_id: int, result: object, ts: int, log_lines: list[str] | None = None) -> None:
        self.send(
            "MutationResponse",
            requestId=request_id,
            success=True,
            result=result,
            ts=encode_ts(ts),
            logLines=log_lines or [],
        )

    def fail(self, request_id: int, text: str, **more: Any) -> None:
        self.send("MutationResponse", requestId=request_id, success=False, result=text, ts=None, logLines=[], **more)

    # The application.

    def subscribe(self, path: str = "messages:list", args: dict[str, Any] | None = None) -> QueryToken:
        wanted, values = query_token(path, args)
        self.peer.subscribe(wanted, values)
        return wanted

    def mutate(self, path: str = "messages:send", args: dict[str, Any] | None = None) -> int:
        return self.peer.request("mutation", path, encode_args(path, args or {}))

    def act(self, path: str = "messages:act", args: dict[str, Any] | None = None) -> int:
        return self.peer.request("action", path, encode_args(path, args or {}))

    # What the peer reports.

    def collect(self) -> None:
        self.peer.check_invariants()
        self.effects.extend(self.peer.effects)
        self.peer.effects.clear()

    def reported(self, kind: type[E]) -> list[E]:
        """The effects of this kind since the last time."""
        self.collect()
        found = [effect for effect in self.effects if isinstance(effect, kind)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, kind)]
        return found

    def done(self) -> dict[int, Any]:
        """The calls that are over since the last time, with their outcomes."""
        return {effect.request_id: effect.outcome for effect in self.reported(RequestDone)}

    def changed(self) -> set[QueryToken]:
        return {changed for effect in self.reported(ResultsChanged) for changed in effect.tokens}

    def closed(self) -> list[int]:
        return [effect.number for effect in self.reported(CloseSocket)]

    def value(self, wanted: QueryToken) -> Any:
        """The newest result of a query."""
        query = self.peer.queries.get(wanted)
        assert query is not None
        return query.result


def wire_version(version: tuple[int, int, int]) -> dict[str, Any]:
    return {"querySet": version[0], "identity": version[1], "ts": encode_ts(version[2])}


def updated(
    query_id: int, value: object, *, journal: str | None = None, log_lines: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "type": "QueryUpdated",
        "queryId": query_id,
        "value": value,
        "logLines": list(log_lines),
        "journal": journal,
    }


def failed(query_id: int, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "QueryFailed", "queryId": query_id, "errorMessage": text, "logLines": [], "journal": None, **more}


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]
