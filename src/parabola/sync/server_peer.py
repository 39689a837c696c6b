"""One client's queries and calls, seen from the server: a state machine without I/O.

Theory of operation. A peer belongs to one socket. It is told what arrives (`receive`) and how the things that it asked
for went (`mutation_finished`, `token_accepted`, …); it leaves what is to be sent in `outgoing` (in order), what is to
be done in `effects`, and how to end in `close`. Whoever drives it empties these after each call.

A socket moves from version to version: (query set, identity, ts). `received` holds the first two as of the messages
that came in; `current` holds all three as of the last Transition sent. Between them lies an *update*: it begins
(`begin_update`) by taking every pending modification and the received versions as they are at that moment, names the
queries that must run, and ends (`finish_update`) with one Transition, all of whose results were read at one
timestamp. One update at a time; what arrives meanwhile waits for the next. Where an update is one query and its
answer is at hand, `lone_stale_query` and `finish_lone` are the same in one step, and `take` is that step for a peer
that is due what another one was just sent. `stale` is the one place that knows which queries need a run: the driver
adds to it when a commit touches what a query read (`invalidate`), and an update empties it.

What never may happen, whatever the order of inputs:

1. a Transition that does not start where the last one ended, or ends at an older timestamp;
2. a Transition at or past a mutation's commit before the answer to that mutation. Answers that come up while an
   update is under way wait in `held` until its Transition is out, so that the next Transition after an answer always
   reflects it;
3. an answer without a later Transition: each one makes an update wanted;
4. two mutations at once, or out of order; a message handled before an earlier Authenticate was decided;
5. a word after the close.

Source: wire 1.3 to 1.11.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from parabola.definitions.paths import canonical_path
from parabola.errors import PeerError
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.sync import codec
from parabola.sync.codec import UNREADABLE
from parabola.sync.effects import AwaitTimestamp, Close, Effect, RunAction, RunMutation, VerifyToken
from parabola.sync.followed_query import FollowedQuery, Update
from parabola.sync.messages import (
    Action,
    Add,
    Authenticate,
    ClientMessage,
    Connect,
    ModifyQuerySet,
    Mutation,
    QuerySetModification,
)
from parabola.sync.results import QueryResult
from parabola.sync.shared_step import ANYBODY, SharedStep
from parabola.sync.transitions import TransitionWriter
from parabola.sync.versions import ZERO_VERSION, StateVersion, decode_ts

TOKEN_EXPIRED_TEXT = "Convex token identity expired"
INTERNAL_ERROR = "InternalServerError"
NORMAL_CLOSE, INTERNAL_CLOSE, TRY_AGAIN_CLOSE = 1000, 1011, 1013
CLIENT_TS_MAX = 2**53
"""Clocks that say more have no skew: it is told in 64 bits."""


class ServerPeer:
    """See the module's theory of operation. `writer` is shared by the peers of a server."""

    __slots__ = (
        "_actions_running",
        "_clock_skew_ms",
        "_dropped",
        "_held",
        "_identity",
        "_limits",
        "_mutation_running",
        "_mutations",
        "_pending",
        "_pending_bytes",
        "_query_bytes",
        "_received_identity",
        "_received_query_set",
        "_removed",
        "_session",
        "_target",
        "_waiting",
        "_waiting_for",
        "_writer",
        "close",
        "closed",
        "current",
        "effects",
        "outgoing",
        "queries",
        "stale",
        "token_expires_ns",
        "update_wanted",
        "updating",
        "waiting_bytes",
    )

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS, writer: TransitionWriter | None = None) -> None:
        self._limits = limits
        self._writer = writer if writer is not None else TransitionWriter()
        # What the driver empties, from the front. Plain lists, here and below: they are short, and an empty deque
        # costs each idle socket 760 bytes.
        self.outgoing: list[bytes] = []
        self.effects: list[Effect] = []
        self.close: Close | None = None
        self.closed = False
        # Versions. `_target` is what the running update ends with (its ts is filled in at the end).
        self.current = ZERO_VERSION
        self._received_query_set = 0
        self._received_identity = 0
        self._target = (0, 0)
        # Queries: `_pending` until an update begins; `_removed` until a Transition said so.
        self.queries: dict[int, FollowedQuery] = {}
        self.stale: dict[int, FollowedQuery] = {}
        self._pending: list[QuerySetModification] = []
        self._pending_bytes = 0
        self._query_bytes = 0
        self._removed: set[int] = set()
        self.update_wanted = False
        self.updating = False
        self._held: list[bytes] = []
        # Calls.
        self._mutations: list[RunMutation] = []
        self._mutation_running = False
        self._actions_running = 0
        # Who: the identity is opaque here; None is anonymous.
        self._identity: object = None
        # When the identity in force runs out, in nanoseconds since the epoch; None for never.
        self.token_expires_ns: int | None = None
        self._session: str | None = None
        self._clock_skew_ms: int | None = None
        # Messages behind an undecided Authenticate or Connect, with their sizes.
        self._waiting: list[tuple[ClientMessage, int]] = []
        self._waiting_for: Authenticate | Connect | None = None
        # About how many bytes of what the client has sent nobody has come to yet.
        self.waiting_bytes = 0

    @property
    def identity(self) -> object:
        """Who is asking, as given to `token_accepted`; None is anonymous."""
        return self._identity

    # Inputs: what arrives.

    def receive(self, message: ClientMessage, now_ns: int, size: int = 0) -> None:
        """Handles one message of the client, which was `size` bytes long, or keeps it behind an undecided one."""
        if self.closed:
            return
        if self._waiting_for is not None:
            self._waiting.append((message, size))
            self.waiting_bytes += size
            if len(self._waiting) > self._limits.pending_mutations_max + self._limits.running_actions_max:
                self.fail(TRY_AGAIN_CLOSE, "TooManyConcurrentRequests")
            return
        try:
            self._handle(message, now_ns, size)
        except PeerError as error:
            # A path or a timestamp that cannot be one: to a client, the same as a field of the wrong type.
            self.protocol_broken(f"{UNREADABLE} {error.message}")

    def protocol_broken(self, text: str) -> None:
        """The client sent what no client may send: tells it so and ends the socket for good."""
        self._end(Close(None, ""), codec.write_fatal_error(text))

    def gone(self) -> None:
        """The socket is lost: nothing will be sent or done any more, and nothing is kept."""
        self._end(Close(None, ""), None)
        self.close = None
        self.outgoing = []

    def fail(self, code: int, reason: str) -> None:
        """Ends the socket so that the client comes back: 1011 for our faults, 1013 for overload."""
        self._end(Close(code, reason), None)

    # Inputs: how things went.

    def token_accepted(self, identity: object, expires_ns: int | None, now_ns: int) -> None:
        """The token of the pending Authenticate holds until `expires_ns` (None: for ever)."""
        if self.closed:
            return
        message = self._waiting_for
        assert isinstance(message, Authenticate), "no Authenticate is waiting"
        self._waiting_for = None
        self._set_identity(message, identity, expires_ns)
        self._handle_waiting(now_ns)

    def token_refused(self, text: str) -> None:
        """The token of the pending Authenticate does not hold."""
        self._end(Close(None, ""), codec.write_auth_error(text, self.current.identity, update_attempted=True))

    def timestamp_reached(self, now_ns: int) -> None:
        """The state that the client has already seen is served now."""
        if self.closed:
            return
        assert isinstance(self._waiting_for, Connect), "no Connect is waiting"
        self._waiting_for = None
        self._handle_waiting(now_ns)

    def mutation_finished(self, answer: bytes) -> None:
        """The running mutation is done; `answer` is its MutationResponse."""
        if self.closed:
            return
        assert self._mutation_running, "a mutation was answered that is not running"
        self._mutation_running = False
        self._answer(answer)
        self._start_next_mutation()

    def action_finished(self, answer: bytes) -> None:
        """One running action is done; `answer` is its ActionResponse."""
        if self.closed:
            return
        assert self._actions_running > 0, "an action was answered that is not running"
        self._actions_running -= 1
        self._answer(answer)

    def invalidate(self, query_id: int) -> None:
        """A commit may have changed this query's result."""
        query = self.queries.get(query_id)
        if query is not None and not self.closed:
            self.stale[query_id] = query
            self.update_wanted = True

    def check_expiry(self, now_ns: int) -> bool:
        """Ends the socket if its token has run out; whether it did."""
        expires = self.token_expires_ns
        if expires is None or now_ns < expires or self.closed:
            return False
        self._end(
            Close(None, ""), codec.write_auth_error(TOKEN_EXPIRED_TEXT, self.current.identity, update_attempted=False)
        )
        return True

    # Updates.

    def begin_update(self, now_ns: int) -> Update | None:
        """Starts the wanted update. None if there is none to start, or the socket was ended instead."""
        if self.closed or self.updating or not self.update_wanted or self.check_expiry(now_ns):
            return None
        dropped = self._apply_pending() if self._pending else []
        if dropped is None:
            self.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
            return None
        if len(self.queries) > self._limits.followed_queries_max:
            self._too_many_queries(len(self.queries))
            return None
        if self._query_bytes > self._limits.followed_queries_bytes_max:
            self.protocol_broken(
                f"The arguments of the queries that this client follows are {self._query_bytes} bytes together, and at "
                f"most {self._limits.followed_queries_bytes_max} are possible on one connection. Send less in them."
            )
            return None
        if self._received_identity != self.current.identity:
            self.stale = dict(self.queries)
        self.update_wanted = False
        self.updating = True
        self._target = (self._received_query_set, self._received_identity)
        stale = self.stale
        if not stale:
            return Update([], dropped)
        self.stale = {}
        return Update([stale[query_id] for query_id in sorted(stale)] if len(stale) > 1 else [*stale.values()], dropped)

    def finish_update(self, ts: int, results: Sequence[tuple[FollowedQuery, QueryResult]], now_ns: int) -> None:
        """Sends the Transition to `ts`. `results` are those of the update's runs, in the same order."""
        if self.closed:
            return
        assert self.updating, "no update is under way"
        start = self.current
        assert ts >= start.ts, "time does not go back on a socket"
        self.updating = False
        changed: dict[int, bytes] = {}
        for query, result in results:
            query.journal = result.journal
            if query.fingerprint != result.fingerprint:
                query.fingerprint = result.fingerprint
                changed[query.query_id] = result.fragment(query.query_id)
        if self._removed:
            changed = self._take_removals(changed)
        query_set, identity = self._target
        if query_set == start[0] and identity == start[1]:
            self.current, text = self._writer.write(start, ts, tuple(changed.values()))
        else:
            end = self.current = StateVersion(query_set, identity, ts)
            # Moved by the client itself, and so of interest to this one client: it may compare clocks.
            clocks = codec.write_clocks(self._clock_skew_ms, now_ns)
            text = codec.write_transition(start, end, tuple(changed.values()), clocks)
        self.outgoing.append(text)
        self._release_answers()

    def step_on(self, ts: int, now_ns: int) -> bool:
        """The wanted update in one, if it is to do nothing but tell the client of the time: no query has to run, and
        there is no news of which queries or who. False, and nothing done, if it is to do more.
        """
        if self.stale or not self._only_queries_are_due(now_ns):
            return False
        assert ts >= self.current[2], "time does not go back on a socket"
        self.update_wanted = False
        self.current, text = self._writer.write(self.current, ts, ())
        self.outgoing.append(text)
        return True

    def lone_stale_query(self, now_ns: int) -> FollowedQuery | None:
        """The only thing that the wanted update has to do, if there is only one: a query to run, no news of which
        queries or who. `finish_lone` then stands for `begin_update` and `finish_update`.
        """
        if len(self.stale) != 1 or not self._only_queries_are_due(now_ns):
            return None
        return next(iter(self.stale.values()))

    def finish_lone(self, query: FollowedQuery, result: QueryResult, ts: int) -> bytes:
        """The Transition to `ts` for the query that `lone_stale_query` named just now; the caller sends it, after
        what is in `outgoing`.
        """
        assert ts >= self.current[2], "time does not go back on a socket"
        self.stale.clear()
        self.update_wanted = False
        query.journal = result.journal
        if query.fingerprint == result.fingerprint:
            changed: tuple[bytes, ...] = ()
        else:
            query.fingerprint = result.fingerprint
            changed = (result.fragment(query.query_id),)
        self.current, text = self._writer.write(self.current, ts, changed)
        return text

    def take(self, step: SharedStep, query: FollowedQuery, now_ns: int) -> bool:
        """Takes a step that another peer has just made, if it is exactly what this one is due now that `query`, and no
        other, has become stale: `invalidate`, `lone_stale_query` and `finish_lone` in one, with `step.texts` as what
        is to be sent. False, and nothing done, if this peer is due anything else.
        """
        if (
            self.current is not step.start
            or self.update_wanted
            or self.updating
            or self.closed
            or self.outgoing
            or query.query_id != step.query_id
            or query.asked is not step.asked
            or query.journal != step.journal_before
            or query.fingerprint != step.fingerprint_before
            or (step.identity is not self._identity and step.identity is not ANYBODY)
        ):
            return False
        expires = self.token_expires_ns
        if expires is not None and now_ns >= expires:
            return False
        result = step.result
        query.journal = result.journal
        query.fingerprint = result.fingerprint
        self.current = step.end
        return True

    def abandon_update(self, runs: Sequence[FollowedQuery]) -> None:
        """The update could not be carried out; its queries are due again in the next one."""
        if self.closed:
            return
        assert self.updating, "no update is under way"
        self.updating = False
        self.update_wanted = True
        self._release_answers()
        for query in runs:
            if self.queries.get(query.query_id) is query:
                self.stale[query.query_id] = query

    def check_invariants(self) -> None:
        """Raises AssertionError when the state contradicts itself; for tests, after every step."""
        assert self.closed or self.close is None, "a close is asked for, yet the peer goes on"
        assert self._received_query_set >= self._target[0] >= 0, "an update ends past what was received"
        assert self._received_identity >= self._target[1] >= 0, "an update ends past what was received"
        assert self.current.query_set <= self._received_query_set, "more was told than was received"
        assert self.current.identity <= self._received_identity, "more was told than was received"
        for query_id, query in self.stale.items():
            assert self.queries.get(query_id) is query, "a query is stale that is not followed"
        if not self.closed:
            assert not self._held or self.updating, "answers are held though no update is under way"
            assert not self._pending or self.update_wanted, "modifications wait, and no update is wanted"
            assert not self.stale or self.update_wanted, "queries are stale, and no update is wanted"
            if not self.update_wanted and not self.updating:
                # What `take` relies on.
                assert not self._removed, "a removal is not told, and no update is wanted"
                received = (self._received_query_set, self._received_identity)
                assert received == self.current[:2], "what was received is not told, and no update is wanted"
            assert not self._mutations or self._mutation_running, "mutations wait, and none is running"
            assert not self._waiting or self._waiting_for is not None, "messages wait behind nothing"
            fresh = [q for q in self.queries.values() if q.fingerprint is None and q.query_id not in self.stale]
            assert not fresh or self.updating, "a query was never sent, and nothing will send it"

    # Messages.

    def _handle(self, message: ClientMessage, now_ns: int, size: int) -> None:
        if isinstance(message, Mutation):
            self._handle_mutation(message, now_ns)
        elif isinstance(message, ModifyQuerySet):
            self._handle_modify(message, size)
        elif isinstance(message, Action):
            self._handle_action(message, now_ns)
        elif isinstance(message, Authenticate):
            self._handle_authenticate(message)
        elif isinstance(message, Connect):
            self._handle_connect(message, now_ns)
        # What is left is an Event: telemetry, which asks for nothing.

    def _handle_waiting(self, now_ns: int) -> None:
        while self._waiting and self._waiting_for is None and not self.closed:
            message, size = self._waiting.pop(0)
            self.waiting_bytes -= size
            self.receive(message, now_ns, size)

    def _handle_connect(self, message: Connect, now_ns: int) -> None:
        # Clients send it first; one that comes late names the session for what comes after it.
        if self._session is not None:
            self.protocol_broken("Connect came a second time on this socket. Send it once, as the first message.")
            return
        self._session = message.session_id
        client_ts = message.client_ts
        if client_ts is not None and abs(client_ts) <= CLIENT_TS_MAX:
            self._clock_skew_ms = round(client_ts) - now_ns // 1_000_000
        if message.max_observed_timestamp is not None:
            self._waiting_for = message
            self.effects.append(AwaitTimestamp(decode_ts(message.max_observed_timestamp)))

    def _handle_modify(self, message: ModifyQuerySet, size: int) -> None:
        if message.base_version != self._received_query_set:
            self.protocol_broken(
                f"Base version {message.base_version} passed up doesn't match the current version "
                f"{self._received_query_set}"
            )
            return
        if message.new_version <= message.base_version:
            self.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
            return
        if len(self._pending) + len(message.modifications) > 2 * self._limits.followed_queries_max:
            # All that were followed removed and as many added are fewer.
            self._too_many_queries(len(self.queries) + len(message.modifications))
            return
        for modification in message.modifications:
            if isinstance(modification, Add):
                canonical_path(modification.udf_path)
        self._pending.extend(message.modifications)
        self._pending_bytes += size
        self.waiting_bytes += size
        self._received_query_set = message.new_version
        self.update_wanted = True

    def _handle_mutation(self, message: Mutation, now_ns: int) -> None:
        if self.check_expiry(now_ns):
            return
        if len(self._mutations) + self._mutation_running >= self._limits.pending_mutations_max:
            self.fail(TRY_AGAIN_CLOSE, "TooManyConcurrentMutations")
            return
        session = self._session
        run = RunMutation(
            message.request_id,
            canonical_path(message.udf_path),
            message.component_path or "",
            bytes(message.args),
            self._identity,
            None if session is None else (session, message.request_id),
        )
        if self._mutation_running:
            self._mutations.append(run)
            self.waiting_bytes += len(run.args)
        else:
            self._mutation_running = True
            self.effects.append(run)

    def _handle_action(self, message: Action, now_ns: int) -> None:
        if self.check_expiry(now_ns):
            return
        if self._actions_running >= self._limits.running_actions_max:
            self.fail(TRY_AGAIN_CLOSE, "TooManyInflightActionsForSingleClient")
            return
        run = RunAction(
            message.request_id,
            canonical_path(message.udf_path),
            message.component_path or "",
            bytes(message.args),
            self._identity,
            self._session,
        )
        self._actions_running += 1
        self.effects.append(run)

    def _handle_authenticate(self, message: Authenticate) -> None:
        if message.token_type == "None":
            self._set_identity(message, None, None)
            return
        if message.value is None:
            self.protocol_broken(f"Authenticate with the token type {message.token_type} needs a value.")
            return
        # Clients write one or the other; null means nobody.
        given = [bytes(user) for user in (message.impersonating, message.acting_as) if isinstance(user, Raw)]
        acting_as = next((user for user in given if user != b"null"), None)
        self._waiting_for = message
        self.effects.append(VerifyToken(message.value, message.token_type == "Admin", acting_as))

    def _set_identity(self, message: Authenticate, identity: object, expires_ns: int | None) -> None:
        if message.base_version != self._received_identity:
            self.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
            return
        self._identity = identity
        self.token_expires_ns = expires_ns
        self._received_identity += 1
        self.update_wanted = True

    # Parts of the above.

    def _only_queries_are_due(self, now_ns: int) -> bool:
        """Whether an update may begin that does nothing but run the stale queries: no news of which queries or who."""
        if self._pending or self._removed or self.updating or self.closed:
            return False
        query_set, identity, _ = self.current
        if self._received_query_set != query_set or self._received_identity != identity:
            return False
        expires = self.token_expires_ns
        return expires is None or now_ns < expires

    def _answer(self, answer: bytes) -> None:
        self.update_wanted = True
        if self.updating:
            self._held.append(answer)
        else:
            self.outgoing.append(answer)

    def _release_answers(self) -> None:
        if self._held:
            self.outgoing.extend(self._held)
            self._held.clear()

    def _start_next_mutation(self) -> None:
        if self._mutations:
            self._mutation_running = True
            run = self._mutations.pop(0)
            self.waiting_bytes -= len(run.args)
            self.effects.append(run)

    def _apply_pending(self) -> list[FollowedQuery] | None:
        """Takes the pending modifications; the queries dropped, or None if they contradict the query set."""
        dropped: list[FollowedQuery] = []
        for modification in self._pending:
            query_id = modification.query_id
            if isinstance(modification, Add):
                if query_id in self.queries:
                    return None
                query = FollowedQuery(
                    query_id,
                    canonical_path(modification.udf_path),
                    modification.component_path or "",
                    bytes(modification.args),
                    modification.journal,
                )
                self.queries[query_id] = self.stale[query_id] = query
                self._query_bytes += len(query.args)
                self._removed.discard(query_id)
            else:
                removed = self.queries.pop(query_id, None)
                if removed is None:
                    return None
                self._query_bytes -= len(removed.args)
                self.stale.pop(query_id, None)
                self._removed.add(query_id)
                dropped.append(removed)
        self._pending = []
        self.waiting_bytes -= self._pending_bytes
        self._pending_bytes = 0
        return dropped

    def _too_many_queries(self, count: int) -> None:
        self.protocol_broken(
            f"This client follows {count} queries, and at most {self._limits.followed_queries_max} are possible on one "
            "connection. Follow fewer: ask for many things in one query."
        )

    def _take_removals(self, changed: dict[int, bytes]) -> dict[int, bytes]:
        """`changed` together with the removals not yet told, by ascending query id."""
        for query_id in self._removed:
            changed.setdefault(query_id, codec.write_query_removed(query_id))
        self._removed = set()
        return dict(sorted(changed.items()))

    def _end(self, close: Close, last_words: bytes | None) -> None:
        """Nothing is sent or done after this but what is already on its way, `last_words`, and the close."""
        if self.closed:
            return
        if last_words is not None:
            self.outgoing.append(last_words)
        self.closed = True
        self.close = close
        self.effects.clear()
        self._mutations.clear()
        self._waiting.clear()
        self._waiting_for = None
        self._held.clear()
        self._pending.clear()
        self.waiting_bytes = 0
        self.stale.clear()
        self.update_wanted = False
