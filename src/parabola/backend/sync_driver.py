"""Carrying out what the peers of all sync sockets ask for.

Theory of operation. A `SyncConnection` joins one `ServerPeer` to one transport. Nothing here waits and nothing here
is a task: bytes come in, the peer decides, its effects are carried out by plain calls with callbacks, and the rest is
left for `_flush`, which runs once per step of the event loop: it runs the mutations that have come, and sends or brings
up to date what every connection has. So the answer to a mutation, and the Transition that reflects it, leave in one
write; a commit that a thousand sockets hear of costs one run of the query and a thousand writes of the same bytes; and
ten commits in one step cost one update.

The order that the protocol needs comes from one fact: the database calls back for every mutation of a batch, in
order, and then publishes the batch to `LiveQueries`, before the event loop goes on. By the time `_flush` runs,
`live.ts` is at or past everything that was answered.

Who follows a broken run together with others is not told of it one by one, but in a `Crowd`, and most of a crowd takes
one step (`shared_step`). Between the commit and that moment, a peer does not know that its query is stale: so before
any Transition is made, `notice_broken` looks for such queries, as long as there is a crowd anywhere.

A connection that cannot write stays out of `_flush`'s updates until it can: it then jumps to the newest timestamp.
What it misses is nobody's memory.
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, cast

from parabola.auth import Authenticator
from parabola.backend.heartbeat import Cancellable, HeartbeatWheel
from parabola.backend.presenter import Presenter
from parabola.backend.refused_tokens import RefusedTokens
from parabola.backend.sync_callers import caller_of
from parabola.backend.sync_connection import SyncConnection
from parabola.backend.sync_subscription import Crowd, Subscription
from parabola.backend.sync_transport import SyncTransport
from parabola.functions.outcome import Call, Outcome
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.live.manager import LiveQueries
from parabola.live.question import Question
from parabola.live.subscription import Follower, LiveRun
from parabola.seams import Clock, Entropy
from parabola.sync.client_version import UNKNOWN_CLIENT, ClientVersion
from parabola.sync.effects import RunMutation
from parabola.sync.server_peer import ServerPeer
from parabola.sync.shared_step import SharedStep
from parabola.sync.transitions import TransitionWriter

_logger: Final = logging.getLogger("parabola.sync")

STEP_S_MAX: Final = 0.004
"""How long updates may hold up the event loop at a time: a commit that a thousand queries read takes longer in all."""

CONNECTIONS_BETWEEN_LOOKS: Final = 8
"""How many connections are brought up to date between two looks at the clock."""


class EventLoop(Protocol):
    """The part of an asyncio event loop that is needed here; simulations bring their own."""

    def call_soon(self, callback: Callable[[], None], /) -> object: ...
    def call_later(self, delay: float, callback: Callable[[], None], /) -> Cancellable: ...
    def create_task(self, coro: Coroutine[Any, Any, Any], /) -> Future[Any]: ...


class CallRunner(Protocol):
    """The part of `functions.Runner` that is needed here."""

    def run_mutation(
        self, call: Call, done: Callable[[Outcome], None], *, session_request: tuple[str, int] | None = None
    ) -> None: ...

    def run_action(self, call: Call) -> Awaitable[Outcome]: ...


class SyncDriver:
    """All sync sockets of one server."""

    def __init__(
        self,
        live: LiveQueries,
        runner: CallRunner,
        authenticator: Authenticator,
        presenter: Presenter,
        *,
        loop: EventLoop,
        clock: Clock,
        entropy: Entropy,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.live = live
        self.runner = runner
        self.authenticator = authenticator
        self.presenter = presenter
        self.loop = loop
        self.clock = clock
        self.entropy = entropy
        self.limits = limits
        self.refused_tokens = RefusedTokens(clock)
        self.heartbeats = HeartbeatWheel(loop.call_later)
        self.connections: dict[SyncConnection, None] = {}
        self.is_stopping = False
        self._writer = TransitionWriter()
        # What to flush: connections with something to send, and those that only have to be brought up to date.
        self._answered: list[SyncConnection] = []
        self._due: list[SyncConnection | Crowd] = []
        self._crowds = 0
        self._step_ends_s = 0.0
        self._flush_is_due = False
        # Mutations that their connections may run, in the order in which they were received.
        self._ready: list[tuple[SyncConnection, RunMutation]] = []
        self._tasks: set[Future[Any]] = set()
        # The answer that the last connection of a flush was given, and to what.
        self._found: LiveRun | None = None
        self._found_question: Question | None = None
        self._found_identity: object = None
        self._found_journal: str | None = None
        # The step that the last connection of a flush took which the next ones may be due as well, and what it shows.
        self._step: SharedStep | None = None
        self._step_run: LiveRun | None = None
        self.transitions = 0
        live.tell_crowds(self._add_crowd)

    def connect(self, transport: SyncTransport, client: ClientVersion = UNKNOWN_CLIENT) -> SyncConnection:
        """A new socket. The transport feeds it and is told through `transport` what to send.

        Above the connection limit, or while stopping, the socket is closed at once with a reason that brings it back
        later.
        """
        connection = SyncConnection(self, transport, client, ServerPeer(limits=self.limits, writer=self._writer))
        refused = self.is_stopping or len(self.connections) >= self.limits.connections_max
        self.connections[connection] = None
        connection.start(refuse=refused)
        return connection

    def disconnected(self, connection: SyncConnection) -> None:
        """The connection is gone for good."""
        self.connections.pop(connection, None)

    def schedule(self, connection: SyncConnection) -> None:
        """Has `connection` flushed at the end of this step of the event loop."""
        if connection.peer.outgoing:
            # Perhaps it is in the other list as well: whichever comes first serves it, and the other finds nothing due.
            if connection.is_answered:
                return
            connection.is_answered = True
            self._answered.append(connection)
        elif connection.is_due:
            return
        else:
            self._due.append(connection)
        connection.is_due = True
        self._want_flush()

    def schedule_update(self, connection: SyncConnection) -> None:
        """The same for one that is marked as due already, is in no list, and has nothing to send but its update."""
        self._due.append(connection)
        if not self._flush_is_due:
            self._want_flush()

    def step_is_over(self) -> bool:
        """Whether `_flush` has held up the event loop for long enough."""
        return self.clock.monotonic() > self._step_ends_s

    def go_on_later(self, connection: SyncConnection) -> None:
        """Has `connection` flushed again in the next step of the loop: its update is not through."""
        connection.is_due = True
        self.schedule_update(connection)

    def run_soon(self, connection: SyncConnection, mutation: RunMutation) -> None:
        """Has `connection` run a mutation of its client, once everything that arrived at the sockets has been read.

        Reading them one after the other and then running them one after the other is a tenth faster than turn by turn:
        what either needs stays in the processor's cache.
        """
        self._ready.append((connection, mutation))
        self._want_flush()

    def answer_at_hand(self, question: Question, identity: object, journal: str | None) -> LiveRun | None:
        """What `live.find` says, remembered while one query's followers come one after the other in one flush."""
        run = self._found
        if (
            run is None
            or not run.is_valid
            or question is not self._found_question
            or identity is not self._found_identity
            or journal != self._found_journal
        ):
            run = self._found = self.live.find(question, caller_of(identity), journal)
            self._found_question, self._found_identity, self._found_journal = question, identity, journal
        return run

    def share_step(self, step: SharedStep, run: LiveRun) -> None:
        """Offers a step to the connections that are flushed next. `run` is what it shows the result of."""
        self._step, self._step_run = step, run

    def start_task(self, work: Coroutine[Any, Any, Any]) -> None:
        """For what really has to wait: actions, and tokens whose keys are not at hand."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def stop(self) -> None:
        """Closes every socket so that its client comes back to the next server (wire 1.10); refuses new ones."""
        self.is_stopping = True
        for connection in list(self.connections):
            connection.end_for_restart()

    def statistics(self) -> dict[str, int]:
        """Counters for metrics and tests."""
        return {
            "sync_connections": len(self.connections),
            "sync_queries": sum(len(connection.peer.queries) for connection in self.connections),
            "sync_transitions": self.transitions,
        }

    def _run_ready(self) -> None:
        ready = self._ready
        try:
            # Also what becomes ready meanwhile: the next mutation of a client whose last one was answered at once.
            for connection, mutation in ready:
                connection.run_mutation(mutation)
        finally:
            ready.clear()

    def _want_flush(self) -> None:
        if not self._flush_is_due:
            self._flush_is_due = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Mutations first, then answers, then updates for as long as a step of the loop may take; the rest has its turn
        in the next.
        """
        if self._ready:
            self._run_ready()
        self._flush_is_due = False
        clock = self.clock
        now_s, now_ns = clock.monotonic(), clock.now_ns()
        deadline = self._step_ends_s = now_s + STEP_S_MAX
        answered, self._answered = self._answered, []
        for connection in answered:
            if connection.is_due:
                self._flush_one(connection, now_s, now_ns)
        due, self._due = self._due, []
        for at, item in enumerate(due):
            if isinstance(item, Crowd):
                if self._tell_crowd(item, deadline, now_ns):
                    self._crowds -= 1
                    continue
                left = due[at:]
            else:
                if item.is_due:
                    self._flush_one(item, now_s, now_ns)
                if (at + 1) % CONNECTIONS_BETWEEN_LOOKS or (now_s := clock.monotonic()) <= deadline:
                    continue
                left = due[at + 1 :]
            self._due = left + self._due
            if self._due:
                self._want_flush()
            break
        # Until the next commit they would still hold; but nobody else is to be kept alive by them.
        self._found = self._found_question = self._found_identity = None
        self._step = self._step_run = None

    def _add_crowd(self, run: LiveRun, followers: set[Follower]) -> None:
        """Followers of a broken run, who will be told by `_flush`."""
        self._due.append(Crowd(run, cast("list[Subscription]", list(followers))))
        self._crowds += 1
        self._want_flush()

    def _tell_crowd(self, crowd: Crowd, deadline: float, now_ns: int) -> bool:
        """Brings the connections of a crowd up to date until the deadline; whether all of them are."""
        run, followers = crowd.run, crowd.followers
        now_s = self.clock.monotonic()
        taken = 0
        while True:
            start, crowd.at = crowd.at, crowd.at + CONNECTIONS_BETWEEN_LOOKS
            for subscription in followers[start : crowd.at]:
                if subscription.run is not run:
                    continue  # it was noticed meanwhile, or its client has left the query
                connection = subscription.connection
                step, shown = self._step, self._step_run
                if step is not None and shown is not None and connection.take(subscription, step, shown, now_s, now_ns):
                    taken += 1
                elif connection.is_due:
                    subscription.run_broken()
                else:
                    # At once, and not in its turn: what it is due is mostly what the others are due as well.
                    connection.is_due = True
                    subscription.run_broken()
                    self._flush_one(connection, now_s, now_ns)
            is_told = crowd.at >= len(followers)
            now_s = self.clock.monotonic()
            if is_told or now_s > deadline:
                break
        self.transitions += taken
        self.live.hits += taken
        return is_told

    def _flush_one(self, connection: SyncConnection, now_s: float, now_ns: int) -> None:
        connection.is_due = connection.is_answered = False
        try:
            if self._crowds:
                connection.notice_broken()
            connection.flush(now_s, now_ns)
        except Exception:
            # One connection's trouble is its own: the others have done nothing wrong.
            _logger.exception("A sync connection failed and is closed.")
            connection.end_after_failure()

    def _task_done(self, task: Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _logger.error("Work for a sync connection failed.", exc_info=task.exception())
