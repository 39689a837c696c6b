"""A session without sockets: `RecordingIO` to look at what it asks for, `World` to join it with a real server peer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

from parabola.client.optimistic import LocalStore
from parabola.client.session import Session
from parabola.client.states import QueryState
from parabola.seams import ManualClock, SeededEntropy
from parabola.sync import codec
from parabola.sync.client_incoming import Answer, Outcome
from parabola.sync.codec import decode_client_message
from parabola.sync.effects import AwaitTimestamp, RunMutation
from parabola.sync.results import QueryResult
from parabola.sync.server_peer import ServerPeer
from parabola.sync.versions import encode_ts


class RecordingIO:
    """The outside world, written down."""

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.closed: list[int] = []
        self.sent: list[bytes] = []
        self.tokens: list[tuple[int, bool]] = []
        self.deadline: float | None = None

    def open_socket(self, number: int) -> None:
        self.opened.append(number)

    def close_socket(self, number: int) -> None:
        self.closed.append(number)

    def send(self, text: bytes) -> None:
        self.sent.append(text)

    def fetch_token(self, number: int, force: bool) -> None:
        self.tokens.append((number, force))

    def wake_at(self, deadline: float | None) -> None:
        self.deadline = deadline


class Scripted:
    """A session whose server is the test: `answer` sends a Transition with results by path, `take` what was said."""

    def __init__(self) -> None:
        self.io = RecordingIO()
        self.clock = ManualClock()
        self.session = Session(self.io, clock=self.clock, entropy=SeededEntropy(1))
        self.queries: dict[int, tuple[str, dict[str, Any]]] = {}
        self.requests: list[int] = []
        self._start = {"querySet": 0, "identity": 0, "ts": encode_ts(0)}
        self._query_set = 0
        self._identity = 0
        self.ts = 0

    def connect(self) -> Scripted:
        self.session.start()
        self._start = {"querySet": 0, "identity": 0, "ts": encode_ts(0)}
        self.queries.clear()
        self.session.socket_opened(self.io.opened[-1])
        self.take()
        return self

    def take(self) -> list[dict[str, Any]]:
        taken = [orjson.loads(text) for text in self.io.sent]
        self.io.sent.clear()
        for message in taken:
            if message["type"] == "ModifyQuerySet":
                self._query_set = message["newVersion"]
                for change in message["modifications"]:
                    if change["type"] == "Add":
                        self.queries[change["queryId"]] = (change["udfPath"], change["args"][0])
                    else:
                        del self.queries[change["queryId"]]
            elif message["type"] == "Authenticate":
                self._identity = message["baseVersion"] + 1
            elif message["type"] in ("Mutation", "Action"):
                self.requests.append(message["requestId"])
        return taken

    def answer(self, results: Callable[[str, dict[str, Any]], object], *, ts: int | None = None) -> None:
        """A Transition in which each query has what `results(path, args)` gives: a value, or an Exception to fail with;
        `Ellipsis` leaves it unchanged.
        """
        self.take()
        self.ts = self.ts + 1 if ts is None else ts
        modifications: list[dict[str, Any]] = []
        for query_id, (path, args) in self.queries.items():
            result = results(path, args)
            common = {"queryId": query_id, "logLines": [], "journal": None}
            if isinstance(result, Exception):
                modifications.append({"type": "QueryFailed", "errorMessage": str(result), **common})
            elif result is not ...:
                modifications.append({"type": "QueryUpdated", "value": result, **common})
        end = {"querySet": self._query_set, "identity": self._identity, "ts": encode_ts(self.ts)}
        self.receive(type="Transition", startVersion=self._start, endVersion=end, modifications=modifications)
        self._start = end

    def receive(self, **message: Any) -> None:
        self.session.receive(self.io.opened[-1], orjson.dumps(message))
        self.session.peer.check_invariants()

    def succeed(self, request_id: int, result: object = None, *, ts: int) -> None:
        self.receive(
            type="MutationResponse", requestId=request_id, success=True, result=result, ts=encode_ts(ts), logLines=[]
        )

    def fail(self, request_id: int, text: str = "no") -> None:
        self.receive(type="MutationResponse", requestId=request_id, success=False, result=text, ts=None, logLines=[])


class World:
    """A session and a server peer, with the frames between them in the test's hands, one socket at a time.

    The server keeps a log of numbers; `log:all` and `log:count` are its queries, `log:append` its mutation, which is
    applied once for each (session, request). The session shows numbers optimistically.
    """

    def __init__(self) -> None:
        self.io = RecordingIO()
        self.clock = ManualClock()
        self.session = Session(self.io, clock=self.clock, entropy=SeededEntropy(1))
        self.log: list[int] = []
        self.ts = 10
        self.recorded: dict[tuple[str, int], int] = {}
        self.server: ServerPeer | None = None
        self.socket = 0
        self.to_server: deque[bytes] = deque()
        self.to_client: deque[bytes] = deque()
        self.running: list[RunMutation] = []
        self.settled: dict[int, Outcome] = {}
        self.begun = 0
        self.shown: set[int] = set()
        self.session.start()
        self.all = self.session.watch("log:all")
        self.count = self.session.watch("log:count")
        self.all.on_update(self._look)
        self.count.on_update(self._look)

    # What may happen, each of these at any time.

    def open(self) -> None:
        if self.io.opened and self.io.opened[-1] != self.socket and self.io.opened[-1] not in self.io.closed:
            self.socket = self.io.opened[-1]
            self.server = ServerPeer()
            self.to_server.clear()
            self.to_client.clear()
            self.running.clear()
            self.session.socket_opened(self.socket)
            self._pass_on()

    def mutate(self) -> None:
        number = self.begun
        self.begun += 1

        def update(store: LocalStore, args: dict[str, Any]) -> None:
            numbers = store.get_query("log:all")
            if numbers is not None:
                store.set_query("log:all", {}, [*numbers, args["number"]])
                store.set_query("log:count", {}, len(numbers) + 1)

        def settle(outcome: Outcome) -> None:
            assert isinstance(outcome, Answer)
            assert number not in self.settled
            self.settled[number] = outcome
            # Its own client sees it, if it sees anything.
            state = self.all.current()
            assert state.is_loading or number in state.value

        self.session.request("mutation", "log:append", {"number": number}, settle, update)
        self._pass_on()

    def deliver_to_server(self) -> None:
        if self.server is not None and self.to_server:
            self.server.receive(decode_client_message(self.to_server.popleft()), self.clock.now_ns())
            self._serve()

    def deliver_to_client(self) -> None:
        if self.server is not None and self.to_client:
            self.session.receive(self.socket, self.to_client.popleft())
            self._pass_on()

    def run(self) -> None:
        """The server's running mutation is carried out and answered."""
        if self.server is not None and self.running:
            run = self.running.pop(0)
            self.server.mutation_finished(
                codec.write_mutation_success(run.request_id, b"null", self._apply(run), b"[]")
            )
            self._invalidate()
            self._serve()

    def write_elsewhere(self) -> None:
        """Somebody else changes the log."""
        self.ts += 1
        self.log.append(-self.ts)
        self._invalidate()

    def update(self) -> None:
        """The server moves the client to its newest state."""
        if self.server is not None and self.server.update_wanted and not self.server.updating:
            update = self.server.begin_update(self.clock.now_ns())
            assert update is not None
            results = {"log:all": self.log, "log:count": len(self.log)}
            answers = [(query, QueryResult.success(orjson.dumps(results[query.path]))) for query in update.runs]
            self.server.finish_update(self.ts, answers, self.clock.now_ns())
            self._serve()

    def lose(self) -> None:
        """The socket breaks; what was on its way is gone. A mutation that was running commits all the same."""
        if self.server is not None:
            self.server = None
            for run in self.running[:1]:
                self._apply(run)
            self.session.socket_closed(self.socket, 1006, "")
            self._pass_on()

    def wait(self) -> None:
        """Time passes until the client has something to do."""
        if self.server is None and self.io.deadline is not None:
            self.clock.advance(max(0.0, self.io.deadline - self.clock.monotonic()))
            self.session.tick()
            self._pass_on()

    # The rest.

    def settle_everything(self) -> None:
        """Lets all that is under way come to its end."""
        for _ in range(10_000):
            for step in (self.wait, self.open, self.deliver_to_server, self.run, self.update, self.deliver_to_client):
                step()
            quiet = self.server is not None and not (self.to_server or self.to_client or self.running)
            if quiet and self.server is not None and not self.server.update_wanted and len(self.settled) == self.begun:
                return
        raise AssertionError("it never comes to rest")

    def _apply(self, run: RunMutation) -> int:
        assert run.session_request is not None
        if run.session_request not in self.recorded:
            self.ts += 1
            self.log.append(orjson.loads(run.args)[0]["number"])
            self.recorded[run.session_request] = self.ts
        return self.recorded[run.session_request]

    def _invalidate(self) -> None:
        if self.server is not None:
            for query_id in list(self.server.queries):
                self.server.invalidate(query_id)

    def _serve(self) -> None:
        server = self.server
        assert server is not None
        while server.effects:
            effect = server.effects.pop(0)
            if isinstance(effect, RunMutation):
                self.running.append(effect)
            elif isinstance(effect, AwaitTimestamp):
                assert effect.ts <= self.ts, "the client has seen a time that never was"
                server.timestamp_reached(self.clock.now_ns())
            else:
                raise AssertionError(effect)
        server.check_invariants()
        self.to_client.extend(server.outgoing)
        server.outgoing.clear()
        assert server.close is None, server.close

    def _pass_on(self) -> None:
        self.session.peer.check_invariants()
        self.to_server.extend(self.io.sent)
        self.io.sent.clear()

    def _look(self, state: QueryState) -> None:
        """Whenever a listener is called, all queries show one moment, and nothing that was shown is gone."""
        numbers, count = self.all.current(), self.count.current()
        assert numbers.is_loading == count.is_loading
        if not numbers.is_loading:
            assert count.value == len(numbers.value) == len(set(numbers.value))
            assert self.shown <= set(numbers.value)
            self.shown = set(numbers.value)
            own = [number for number in numbers.value if number >= 0]
            assert own == sorted(own)
