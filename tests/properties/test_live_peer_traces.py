"""The peer among random events, against a world in which each query is one register.

Every Transition must show each query as the register was at the Transition's timestamp, whatever the order in which
messages, commits, updates and answers came.
"""

from __future__ import annotations

import random
from typing import Any

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parabola.sync import codec
from parabola.sync.effects import RunMutation
from parabola.sync.results import QueryResult
from parabola.sync.server_peer import Update
from parabola.sync.versions import decode_ts
from tests.unit.sync.peer_socket import Socket

REGISTERS = 3


class Trace:
    """One peer, a history of registers, and what the client has been shown."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.socket = Socket()
        self.ts = 1
        # The registers at each timestamp that there was.
        self.history: dict[int, list[int]] = {1: [0] * REGISTERS}
        self.sets: list[dict[int, int]] = [{}]
        self.next_query = self.next_request = 0
        self.shown: dict[int, int] = {}
        self.version: dict[str, Any] = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
        self.running: tuple[Update, int] | None = None
        self.answered = 0
        self.transitions = 0

    def commit(self) -> None:
        registers = list(self.history[self.ts])
        changed = self.random.randrange(REGISTERS)
        registers[changed] += self.random.randrange(2)
        self.ts += 1
        self.history[self.ts] = registers
        for query_id, query in self.socket.peer.queries.items():
            if orjson.loads(query.args)[0]["register"] == changed:
                self.socket.peer.invalidate(query_id)

    def modify(self) -> None:
        self.read()  # what the client sends below would hand over what has arrived
        queries = dict(self.sets[-1])
        base = len(self.sets) - 1
        if queries and self.random.random() < 0.4:
            gone = self.random.choice(list(queries))
            del queries[gone]
            self.socket.remove(base, gone)
        else:
            register = self.random.randrange(REGISTERS)
            queries[self.next_query] = register
            self.socket.add(base, self.next_query, args=[{"register": register}])
            self.next_query += 1
        self.sets.append(queries)

    def call(self) -> None:
        self.read()
        self.socket.mutate(self.next_request)
        self.next_request += 1

    def finish_call(self) -> None:
        effects = self.socket.peer.effects
        if effects:
            run = effects.pop(0)
            assert isinstance(run, RunMutation)
            assert run.request_id == self.answered, "mutations run in the order sent"
            self.commit()
            self.socket.peer.mutation_finished(codec.write_mutation_success(run.request_id, b"null", self.ts, b"[]"))
            self.answered += 1

    def begin(self) -> None:
        if self.running is None:
            update = self.socket.peer.begin_update(self.socket.now)
            if update is not None:
                self.running = (update, self.ts)

    def finish(self) -> None:
        if self.running is None:
            return
        (update, ts), self.running = self.running, None
        if self.random.random() < 0.1:
            self.socket.peer.abandon_update(update.runs)
            return
        results = []
        for query in update.runs:
            register = orjson.loads(query.args)[0]["register"]
            results.append((query, QueryResult.success(b"%d" % self.history[ts][register])))
        self.socket.peer.finish_update(ts, results, self.socket.now)

    def read(self) -> None:
        reflected = 0
        for message in self.socket.take():
            if message["type"] == "MutationResponse":
                reflected = decode_ts(message["ts"])
                continue
            assert message["type"] == "Transition"
            self.transitions += 1
            assert message["startVersion"] == self.version
            self.version = message["endVersion"]
            ts = decode_ts(self.version["ts"])
            assert ts >= reflected, "the Transition after an answer reflects it"
            for change in message["modifications"]:
                if change["type"] == "QueryRemoved":
                    self.shown.pop(change["queryId"], None)
                else:
                    self.shown[change["queryId"]] = change["value"]
            expected = {
                query_id: self.history[ts][register]
                for query_id, register in self.sets[self.version["querySet"]].items()
            }
            assert self.shown == expected


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
@example(seed=590)
def test_every_transition_shows_each_query_as_of_its_timestamp(seed: int) -> None:
    trace = Trace(seed)
    events = [trace.commit, trace.modify, trace.call, trace.finish_call, trace.begin, trace.finish, trace.read]
    for _ in range(300):
        trace.random.choice(events)()
        trace.socket.peer.check_invariants()
    for _ in range(2 * trace.next_request + 30):
        trace.finish_call()
        trace.begin()
        trace.finish()
        trace.read()
    assert trace.answered == trace.next_request
    # A commit that touched nothing that is followed moves nobody: what is shown is true all the same.
    assert trace.shown == {query_id: trace.history[trace.ts][register] for query_id, register in trace.sets[-1].items()}
    assert trace.version["querySet"] == len(trace.sets) - 1
