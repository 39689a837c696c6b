"""The client's end of a peer, without a socket: sends dicts, receives dicts."""

from __future__ import annotations

from typing import Any

import orjson

from parabola.limits import Limits
from parabola.sync import codec
from parabola.sync.codec import decode_client_message
from parabola.sync.effects import VerifyToken
from parabola.sync.results import QueryResult
from parabola.sync.server_peer import ServerPeer
from parabola.sync.versions import encode_ts

NOW = 1_800_000_000_000_000_000
LATER = NOW + 60_000_000_000


class Socket:
    """A peer with the client's end of it: sends dicts, receives dicts, and checks the peer after each step."""

    def __init__(self, limits: Limits | None = None, *, now: int = NOW) -> None:
        self.peer = ServerPeer() if limits is None else ServerPeer(limits=limits)
        self.now = now

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        self.peer.receive(decode_client_message(orjson.dumps({"type": kind, **fields})), self.now)
        return self.take()

    def take(self) -> list[dict[str, Any]]:
        self.peer.check_invariants()
        taken = [orjson.loads(text) for text in self.peer.outgoing]
        self.peer.outgoing = []
        return taken

    def effects(self) -> list[Any]:
        taken = list(self.peer.effects)
        self.peer.effects.clear()
        return taken

    def update(self, ts: int, results: dict[int, QueryResult] | None = None) -> list[dict[str, Any]]:
        """One whole update, in which the queries that have to run give `results`."""
        update = self.peer.begin_update(self.now)
        assert update is not None, "no update is wanted"
        self.peer.check_invariants()
        answers = [(query, (results or {})[query.query_id]) for query in update.runs]
        self.peer.finish_update(ts, answers, self.now)
        return self.take()

    def add(self, base: int, *query_ids: int, **fields: Any) -> list[dict[str, Any]]:
        modifications = [
            {"type": "Add", "queryId": query_id, "udfPath": "messages:list", "args": [{}], **fields}
            for query_id in query_ids
        ]
        return self.send("ModifyQuerySet", baseVersion=base, newVersion=base + 1, modifications=modifications)

    def remove(self, base: int, *query_ids: int) -> list[dict[str, Any]]:
        modifications = [{"type": "Remove", "queryId": query_id} for query_id in query_ids]
        return self.send("ModifyQuerySet", baseVersion=base, newVersion=base + 1, modifications=modifications)

    def mutate(self, request_id: int, path: str = "messages:send") -> list[dict[str, Any]]:
        return self.send("Mutation", requestId=request_id, udfPath=path, args=[{"body": "hi"}])

    def sign_in(self, base: int, identity: object = "ann", expires_ns: int | None = None) -> list[dict[str, Any]]:
        sent = self.send("Authenticate", baseVersion=base, tokenType="User", value="a.b.c")
        assert sent == []
        assert self.effects() == [VerifyToken("a.b.c", False, None)]
        self.peer.token_accepted(identity, expires_ns, self.now)
        return self.take()


def value(text: str, *, journal: str | None = None, lines: tuple[str, ...] = ()) -> QueryResult:
    return QueryResult.success(orjson.dumps(text), lines, journal)


def mutation_success(request_id: int, ts: int) -> bytes:
    return codec.write_mutation_success(request_id, b"null", ts, b"[]")


def version(query_set: int, identity: int, ts: int) -> dict[str, Any]:
    return {"querySet": query_set, "identity": identity, "ts": encode_ts(ts)}
