"""The mutations and actions of a client that are not over yet.

A mutation is over when it failed, or when the client's queries have reached its commit. Until then it is sent again on
each new socket, in order and under its old number, by which the server knows it. An action may have done anything by
the time a socket is lost, so it is not repeated: it fails here. Source: wire 1.7, 1.8.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Raw

from parabola.sync.client_incoming import Answer, Failure, Outcome
from parabola.sync.codec import encode_message
from parabola.sync.messages import Action, Mutation

ACTION_LOST: Final = "Connection lost while action was in flight"

RequestKind = Literal["mutation", "action"]


class ClientRequest:
    """One call. `reflected_ts` and `answer` are set once a mutation succeeded."""

    __slots__ = ("answer", "is_sent", "kind", "path", "reflected_ts", "request_id", "started_ns", "text")

    def __init__(self, request_id: int, kind: RequestKind, path: str, text: bytes, started_ns: int) -> None:
        self.request_id = request_id
        self.kind: RequestKind = kind
        self.path = path
        self.text = text
        self.started_ns = started_ns
        # On the current socket.
        self.is_sent = False
        self.answer: Answer | None = None
        self.reflected_ts: int | None = None


class Requests:
    """See the module's docstring. The numbers never start again, also not on a new socket."""

    __slots__ = ("_by_id", "next_id")

    def __init__(self) -> None:
        self._by_id: dict[int, ClientRequest] = {}
        self.next_id = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, kind: RequestKind, path: str, args_text: bytes, now_ns: int) -> ClientRequest:
        """A new call of the function `path`; `args_text` is the encoded arguments object."""
        message_type = Mutation if kind == "mutation" else Action
        text = encode_message(message_type(self.next_id, path, Raw(b"[" + args_text + b"]")))
        request = self._by_id[self.next_id] = ClientRequest(self.next_id, kind, path, text, now_ns)
        self.next_id += 1
        return request

    def get(self, request_id: int) -> ClientRequest | None:
        """The call, unless it is over or was never made."""
        return self._by_id.get(request_id)

    def take_unsent(self) -> list[ClientRequest]:
        """What the socket has to be told now, in order."""
        unsent = [request for request in self._by_id.values() if not request.is_sent]
        for request in unsent:
            request.is_sent = True
        return unsent

    def answer(self, request: ClientRequest, outcome: Outcome, ts: int | None) -> Outcome | None:
        """The server's answer. Returns the outcome if the call is over with it."""
        if isinstance(outcome, Failure) or ts is None:
            del self._by_id[request.request_id]
            return outcome
        request.answer, request.reflected_ts = outcome, ts
        return None

    def take_reflected(self, ts: int) -> list[tuple[int, Answer]]:
        """The mutations that queries read at `ts` reflect: they are over."""
        reflected = [
            (request.request_id, request.answer)
            for request in self._by_id.values()
            if request.answer is not None and request.reflected_ts is not None and request.reflected_ts <= ts
        ]
        for request_id, _ in reflected:
            del self._by_id[request_id]
        return reflected

    def socket_lost(self) -> list[int]:
        """Everything has to be sent again, but actions under way: their ids are returned, they are over."""
        lost = [request.request_id for request in self._by_id.values() if request.kind == "action" and request.is_sent]
        for request_id in lost:
            del self._by_id[request_id]
        for request in self._by_id.values():
            request.is_sent = False
        return lost

    def take_all(self) -> list[int]:
        """Gives up on everything that is not over."""
        given_up = list(self._by_id)
        self._by_id.clear()
        return given_up

    def in_flight(self, kind: RequestKind) -> int:
        """How many calls of this kind are not over."""
        return sum(request.kind == kind for request in self._by_id.values())

    def oldest_ns(self) -> int | None:
        """When the oldest call that is not over was made."""
        return next((request.started_ns for request in self._by_id.values()), None)

    def check_invariants(self) -> None:
        """Raises AssertionError when the state contradicts itself."""
        ids = list(self._by_id)
        assert ids == sorted(ids), "calls are out of order"
        assert not ids or ids[-1] < self.next_id, "a call has a number that was not given out"
        for request in self._by_id.values():
            assert (request.answer is None) == (request.reflected_ts is None), "a success without its timestamp"
            assert request.kind == "mutation" or request.answer is None, "an action goes on after its answer"
