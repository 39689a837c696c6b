"""The mutations and actions of a client that are not over yet.

A mutation is over when it failed, or when the client's queries have reached its commit. Until then it is sent again on
each new socket, in order and under its old number, by which the server knows it. An action may have done anything by
the time a socket is lost, so it is not repeated: it fails here. Source: wire 1.7, 1.8.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

from msgspec import Raw

from parabola.sync.client_incoming import Answer, Failure, Outcome
from parabola.sync.codec import encode_message
from parabola.sync.messages import Action, Mutation

ACTION_LOST: Final = "Connection lost while action was in flight"

# Calls that may await their answer on one socket. A server refuses a socket with a thousand, and would refuse the next
# one, on which they are sent again, for the same reason.
ON_WIRE_MAX: Final = 500

RequestKind = Literal["mutation", "action"]


class ClientRequest:
    """One call. `reflected_ts` and `answer` are set once a mutation succeeded."""

    __slots__ = ("answer", "kind", "path", "reflected_ts", "request_id", "started_ns", "text")

    def __init__(self, request_id: int, kind: RequestKind, path: str, text: bytes, started_ns: int) -> None:
        self.request_id = request_id
        self.kind: RequestKind = kind
        self.path = path
        self.text = text
        self.started_ns = started_ns
        self.answer: Answer | None = None
        self.reflected_ts: int | None = None


class Requests:
    """See the module's docstring. The numbers never start again, also not on a new socket."""

    __slots__ = ("_answered", "_by_id", "_on_wire", "_unsent", "in_flight", "next_id")

    def __init__(self) -> None:
        # Everything that is not over, in order.
        self._by_id: dict[int, ClientRequest] = {}
        # Of these: not yet sent on the current socket; sent on it, and not answered on it; mutations that succeeded.
        self._unsent: deque[ClientRequest] = deque()
        self._on_wire: dict[int, RequestKind] = {}
        self._answered: dict[int, ClientRequest] = {}
        self.in_flight: dict[RequestKind, int] = {"mutation": 0, "action": 0}
        self.next_id = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, kind: RequestKind, path: str, args_text: bytes, now_ns: int) -> ClientRequest:
        """A new call of the function `path`; `args_text` is the encoded arguments object."""
        message_type = Mutation if kind == "mutation" else Action
        text = encode_message(message_type(self.next_id, path, Raw(b"[" + args_text + b"]")))
        request = self._by_id[self.next_id] = ClientRequest(self.next_id, kind, path, text, now_ns)
        self._unsent.append(request)
        self.in_flight[kind] += 1
        self.next_id += 1
        return request

    def get(self, request_id: int) -> ClientRequest | None:
        """The call, unless it is over or was never made."""
        return self._by_id.get(request_id)

    def take_unsent(self) -> list[ClientRequest]:
        """What the socket has to be told now, in order; the rest when some of it has been answered."""
        taken: list[ClientRequest] = []
        while self._unsent and len(self._on_wire) < ON_WIRE_MAX:
            request = self._unsent.popleft()
            if request.request_id not in self._by_id:
                continue  # waiting to be sent again, when the results showed that it had happened
            self._on_wire[request.request_id] = request.kind
            taken.append(request)
        return taken

    def heard_of(self, request_id: int) -> ClientRequest | None:
        """The server answered this on the current socket. Returns the call, None if it is over already."""
        self._on_wire.pop(request_id, None)
        return self._by_id.get(request_id)

    def answer(self, request: ClientRequest, outcome: Outcome, ts: int | None) -> Outcome | None:
        """The server's answer. Returns the outcome if the call is over with it."""
        if isinstance(outcome, Failure) or ts is None:
            self._finish(request.request_id)
            return outcome
        request.answer, request.reflected_ts = outcome, ts
        self._answered[request.request_id] = request
        return None

    def take_reflected(self, ts: int) -> list[tuple[int, Answer]]:
        """The mutations that queries read at `ts` reflect: they are over."""
        reflected = [
            (request_id, request.answer)
            for request_id, request in self._answered.items()
            if request.answer is not None and request.reflected_ts is not None and request.reflected_ts <= ts
        ]
        for request_id, _ in reflected:
            self._finish(request_id)
        return reflected

    def socket_lost(self) -> list[int]:
        """Everything has to be sent again, but actions under way: their ids are returned, they are over."""
        lost = [request_id for request_id, kind in self._on_wire.items() if kind == "action"]
        for request_id in lost:
            self._finish(request_id)
        self._on_wire.clear()
        self._unsent = deque(self._by_id.values())
        return lost

    def take_all(self) -> list[int]:
        """Gives up on everything that is not over."""
        given_up = list(self._by_id)
        for request_id in given_up:
            self._finish(request_id)
        self._unsent.clear()
        self._on_wire.clear()
        return given_up

    def oldest_ns(self) -> int | None:
        """When the oldest call that is not over was made."""
        return next((request.started_ns for request in self._by_id.values()), None)

    def check_invariants(self) -> None:
        """Raises AssertionError when the state contradicts itself."""
        ids = list(self._by_id)
        assert ids == sorted(ids), "calls are out of order"
        assert not ids or ids[-1] < self.next_id, "a call has a number that was not given out"
        assert sum(self.in_flight.values()) == len(ids), "calls are miscounted"
        unsent = [request.request_id for request in self._unsent]
        assert unsent == sorted(unsent), "calls would be sent out of order"
        assert not self._on_wire.keys() & set(unsent), "a call would be sent twice on one socket"
        assert self._answered.keys() <= self._by_id.keys(), "a call is answered and forgotten"
        for request in self._by_id.values():
            assert (request.answer is None) == (request.reflected_ts is None), "a success without its timestamp"
            assert request.kind == "mutation" or request.answer is None, "an action goes on after its answer"

    def _finish(self, request_id: int) -> None:
        request = self._by_id.pop(request_id)
        self._answered.pop(request_id, None)
        self.in_flight[request.kind] -= 1
