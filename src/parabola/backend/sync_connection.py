"""One sync socket: carries out what its peer decides (the theory of operation is in `sync_driver`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from parabola.auth import Caller, VerifiedToken
from parabola.backend.sync_callers import attributes_of, caller_of, close_for, visibility_of
from parabola.backend.sync_subscription import RunningUpdate, Subscription
from parabola.backend.sync_transport import SyncTransport
from parabola.errors import InvalidValue, ParabolaError, PeerError, ProtocolError, WriteConflict
from parabola.functions.calls import decode_arguments
from parabola.functions.outcome import Call, Outcome
from parabola.live.manager import bad_arguments, no_such_component
from parabola.live.question import Question
from parabola.live.subscription import Answer, LiveRun, RunFault
from parabola.sync.chunks import CHUNK_BYTES_MAX, split_transition, understands_chunks
from parabola.sync.client_version import ClientVersion
from parabola.sync.codec import PING, decode_client_message
from parabola.sync.effects import AwaitTimestamp, Effect, RunAction, RunMutation, VerifyToken
from parabola.sync.results import QueryResult
from parabola.sync.server_peer import INTERNAL_CLOSE, INTERNAL_ERROR, TRY_AGAIN_CLOSE, FollowedQuery, ServerPeer
from parabola.sync.shared_step import ANYBODY, SharedStep

if TYPE_CHECKING:
    from parabola.backend.sync_driver import SyncDriver

_logger: Final = logging.getLogger("parabola.sync")

PING_AFTER_SILENCE_S: Final = 10.0
"""Silence after which the next heartbeat sends a Ping: with a heartbeat each 5 s, none lasts 15 s (wire 1.10)."""

DROP_AFTER_S: Final = 120.0
"""A client that sent nothing for so long, or took nothing of what is sent to it for so long, is gone."""

PROGRESS_BYTES: Final = 16 * 1024
"""What a client has to take in that time: one that is slow at a large transition would else never get it whole."""

CLIENT_AHEAD_WAIT_S: Final = 3.0
CLIENT_AHEAD_POLL_S: Final = 0.1
UPDATE_ATTEMPTS_MAX: Final = 6
UPDATE_RETRY_S: Final = 0.05
UPDATE_S_MAX: Final = 30.0
"""How long the queries of one update may wait for something outside before the client is sent away."""


class SyncConnection:
    """What a transport feeds: `receive_text`, `pause_writing`, `resume_writing`, `lost`."""

    __slots__ = (
        "_attempts",
        "_can_write",
        "_chunks",
        "_client",
        "_driver",
        "_is_acting",
        "_is_lost",
        "_last_sent",
        "_peer",
        "_request_salt",
        "_spoke",
        "_transport",
        "_unsent",
        "_update",
        "_waiting_since",
        "is_answered",
        "is_due",
    )

    def __init__(self, driver: SyncDriver, transport: SyncTransport, client: ClientVersion, peer: ServerPeer) -> None:
        self._driver = driver
        self._transport = transport
        self._client = client
        self._peer = peer
        self._chunks = understands_chunks(client)
        self._can_write = True
        self._is_acting = False
        self._is_lost = False
        self._update: RunningUpdate | None = None
        self._attempts = 0
        self._spoke = -1
        self._last_sent = driver.clock.monotonic()
        # Since when a full socket has not drained, and how much was unsent then.
        self._waiting_since = 0.0
        self._unsent = 0
        # Stands in for the session in request ids of clients that named none.
        self._request_salt = ""
        # Whether the driver has it listed to be flushed, and whether among those with an answer to send.
        self.is_due = False
        self.is_answered = False

    @property
    def peer(self) -> ServerPeer:
        """The machine that decides; for tests."""
        return self._peer

    @property
    def client(self) -> ClientVersion:
        """What the client said it is."""
        return self._client

    def start(self, *, refuse: bool) -> None:
        """Begins the socket's life, or turns it away."""
        self._spoke = self._driver.heartbeats.add(self)
        if refuse:
            self._peer.fail(TRY_AGAIN_CLOSE, "TooManyConcurrentRequests")
            self._driver.schedule(self)
        else:
            self._transport.ping()

    # What the transport tells.

    def receive_text(self, text: bytes) -> None:
        """One text message came in."""
        peer = self._peer
        if peer.closed:
            return
        try:
            message = decode_client_message(text)
        except ProtocolError as error:
            peer.protocol_broken(error.message)
        else:
            peer.receive(message, self._driver.clock.now_ns())
        self._act()

    def receive_binary(self) -> None:
        """A binary message came in, which no client sends."""
        self._peer.protocol_broken("Received a binary message on websocket: every message is text.")
        self._act()

    def pause_writing(self) -> None:
        """The socket's buffer is full: no new Transition until it has drained, and no new requests either."""
        self._can_write = False
        self._waiting_since = self._driver.clock.monotonic()
        self._unsent = self._transport.unsent_bytes()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The buffer has drained."""
        self._can_write = True
        self._transport.resume_reading()
        self._driver.schedule(self)

    def lost(self) -> None:
        """The socket is gone. What runs for it goes on; nobody is told."""
        if self._is_lost:
            return
        self._is_lost = True
        self._peer.closed = True
        self._driver.heartbeats.remove(self, self._spoke)
        self._driver.disconnected(self)
        self._let_go_of_queries()

    # What the driver tells.

    def flush(self, now_s: float, now_ns: int) -> None:
        """Brings the client up to date, and sends what there is, in one write. `now_s` is the monotonic clock's time
        and `now_ns` the wall clock's, both as of a moment ago.
        """
        peer = self._peer
        if self._is_lost:
            return
        if peer.update_wanted and not peer.updating and self._can_write:
            driver = self._driver
            if peer.stale:
                if not self._update_lone(peer, driver, now_ns):
                    self._start_update(now_ns)
            elif peer.step_on(driver.live.ts, now_ns):
                driver.transitions += 1
            else:
                self._start_update(now_ns)
        if peer.outgoing:
            texts = peer.outgoing
            peer.outgoing = []
            if self._chunks and max(map(len, texts)) > CHUNK_BYTES_MAX:
                texts = _in_chunks(texts)
            self._last_sent = now_s
            self._transport.send_texts(texts)
        if peer.close is not None:
            close, peer.close = peer.close, None
            self._let_go_of_queries()
            self._transport.close(close.code, close.reason)

    def take(self, subscription: Subscription, step: SharedStep, run: LiveRun, now_s: float, now_ns: int) -> bool:
        """Sends what another connection was just sent, `step` to the result of `run`, if that is all that this one is
        due, whose `subscription` is broken; False, and nothing done, if not. `run` must be valid and watched.
        """
        peer = self._peer
        if (
            self.is_due
            or not self._can_write
            or self._is_lost
            or (len(peer.queries) > 1 and self._is_more_broken(subscription))
            or not peer.take(step, subscription.query, now_ns)
        ):
            return False
        subscription.run = run
        run.followers.add(subscription)
        self._last_sent = now_s
        self._transport.send_texts(step.texts)
        return True

    def heartbeat(self) -> None:
        """Every five seconds: is the client there, is its token still good, has it heard of us lately?"""
        now = self._driver.clock.monotonic()
        transport = self._transport
        if not self._can_write:
            unsent = transport.unsent_bytes()
            if unsent > self._unsent:
                self._unsent = unsent
            elif unsent <= self._unsent - PROGRESS_BYTES:
                self._unsent = unsent
                self._waiting_since = now
            if now - self._waiting_since > DROP_AFTER_S:
                transport.abort()
            return
        if transport.seconds_since_received() > DROP_AFTER_S:
            transport.abort()
            return
        if self._peer.check_expiry(self._driver.clock.now_ns()):
            self._driver.schedule(self)
            return
        if self._peer.closed:
            return
        transport.ping()
        if now - self._last_sent >= PING_AFTER_SILENCE_S and not self._peer.outgoing:
            self._last_sent = now
            transport.send_texts([PING])

    def notice_broken(self) -> None:
        """Tells the peer of every broken query of which it was not told yet. No Transition may be made before."""
        for query in self._peer.queries.values():
            subscription = query.subscription
            if isinstance(subscription, Subscription) and subscription.is_broken:
                subscription.run = None
                self._peer.invalidate(query.query_id)

    def query_broken(self, query_id: int) -> None:
        """A commit may have changed the result of this query."""
        self._peer.invalidate(query_id)
        if not self.is_due and self._can_write:
            self.is_due = True
            self._driver.schedule_update(self)

    def end_for_restart(self) -> None:
        """The server is going away and another will come."""
        self._peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
        self.flush(self._driver.clock.monotonic(), self._driver.clock.now_ns())

    def end_after_failure(self) -> None:
        """Something here went wrong that must not go wrong; the client may come back and try again."""
        self._peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
        self._peer.close = None
        self._let_go_of_queries()
        self._transport.close(INTERNAL_CLOSE, INTERNAL_ERROR)

    # Effects.

    def _act(self) -> None:
        """Carries out what the peer asks for. A callback that comes back at once finds the loop already running."""
        peer = self._peer
        if not self._is_acting:
            self._is_acting = True
            try:
                effects = peer.effects
                while effects:
                    self._carry_out(effects.pop(0))
            except Exception:
                _logger.exception("A sync connection failed and is closed.")
                peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
            finally:
                self._is_acting = False
        if peer.update_wanted or peer.outgoing or peer.close is not None:
            self._driver.schedule(self)

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, RunMutation):
            self._driver.run_soon(self, effect)
        elif isinstance(effect, RunAction):
            self._driver.start_task(self._run_action(effect))
        elif isinstance(effect, VerifyToken):
            self._verify(effect)
        else:
            self._await_timestamp(effect, self._driver.clock.monotonic() + CLIENT_AHEAD_WAIT_S)

    def run_mutation(self, effect: RunMutation) -> None:
        """Has the mutation run that the driver was given by this connection."""
        try:
            self._run_mutation(effect)
        except Exception:
            _logger.exception("A sync connection failed and is closed.")
            self._peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
            self._driver.schedule(self)

    def _run_mutation(self, effect: RunMutation) -> None:
        session = None if effect.session_request is None else effect.session_request[0]
        text_id = partial(self._text_id, session, effect.request_id)
        done = partial(self._mutation_done, effect.request_id, text_id)
        call = self._call(effect, text_id)
        if isinstance(call, Outcome):
            done(call)
        else:
            self._driver.runner.run_mutation(call, done, session_request=effect.session_request)

    def _mutation_done(self, request_id: int, make_text_id: Callable[[], str], outcome: Outcome) -> None:
        error = outcome.error
        # Only error texts carry it.
        text_id = "" if error is None else make_text_id()
        if error is not None and error.is_system and error.code != WriteConflict.default_code:
            # Not the function's doing: the client sends it again when it is back, and it is not run twice.
            self._peer.fail(*close_for(error.code))
        else:
            self._peer.mutation_finished(self._driver.presenter.mutation_answer(request_id, outcome, text_id))
        self._act()

    async def _run_action(self, effect: RunAction) -> None:
        text_id = self._text_id(effect.session, effect.request_id)
        call = self._call(effect, text_id)
        outcome = call if isinstance(call, Outcome) else await self._driver.runner.run_action(call)
        self._peer.action_finished(self._driver.presenter.action_answer(effect.request_id, outcome, text_id))
        self._act()

    def _call(self, effect: RunMutation | RunAction, text_id: str | Callable[[], str]) -> Call | Outcome:
        """The call to make, or its outcome if there is nothing to call or the arguments are no values."""
        if effect.component:
            return no_such_component(effect.path, effect.component, 0)
        try:
            args = decode_arguments(effect.args, self._driver.limits.arguments_bytes_max)
        except InvalidValue as error:
            return bad_arguments(effect.path, error, 0)
        identity = caller_of(effect.identity)
        return Call(
            effect.path,
            args,
            identity=identity,
            visibility=visibility_of(identity),
            request_id=text_id,
            args_json=effect.args,
        )

    def _text_id(self, session: str | None, request_id: int) -> str:
        """The request id that error texts and logs carry: the client's tools compute the same one (wire 4.2)."""
        if session is None:
            if not self._request_salt:
                self._request_salt = self._driver.entropy.bytes(16).hex()
            session = self._request_salt
        return sha256(b"%b|%d" % (session.encode("utf-8", "replace"), request_id)).hexdigest()[:16]

    def _verify(self, effect: VerifyToken) -> None:
        authenticator = self._driver.authenticator
        try:
            if effect.is_admin:
                identity = authenticator.admin(effect.token, attributes_of(effect.acting_as))
                self._peer.token_accepted(identity, None, self._driver.clock.now_ns())
                return
            verified = authenticator.verifier.verify_at_hand(effect.token)
        except PeerError as error:
            self._peer.token_refused(error.message)
            return
        if verified is None:
            self._driver.start_task(self._verify_later(effect.token))
        else:
            self._token_holds(verified)

    async def _verify_later(self, token: str) -> None:
        try:
            verified = await self._driver.authenticator.user(token)
        except PeerError as error:
            self._peer.token_refused(error.message)
        except ParabolaError as error:
            # The keys cannot be had now, which says nothing about the token.
            _logger.warning("A token could not be checked: %s", error.message)
            self._peer.fail(*close_for(error.code))
        except Exception:
            _logger.exception("A token could not be checked.")
            self._peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
        else:
            self._token_holds(verified)
        self._act()

    def _token_holds(self, verified: VerifiedToken) -> None:
        expires_ns = int(verified.expires_at_s * 1_000_000_000)
        self._peer.token_accepted(verified.identity, expires_ns, self._driver.clock.now_ns())

    def _await_timestamp(self, effect: AwaitTimestamp, deadline: float) -> None:
        if self._is_lost or self._peer.closed:
            return
        if self._driver.live.ts >= effect.ts:
            self._peer.timestamp_reached(self._driver.clock.now_ns())
        elif self._driver.clock.monotonic() >= deadline:
            self._peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
        else:

            def look_again() -> None:
                self._await_timestamp(effect, deadline)
                self._act()

            self._driver.loop.call_later(CLIENT_AHEAD_POLL_S, look_again)

    # Updates.

    def _update_lone(self, peer: ServerPeer, driver: SyncDriver, now_ns: int) -> bool:
        """The common case in one go, one of the thousand who follow what somebody else has just asked again: one query
        has to run, and its answer is at hand. False, and nothing done, in every other case.
        """
        query = peer.lone_stale_query(now_ns)
        if query is None:
            return False
        subscription = query.subscription
        if not isinstance(subscription, Subscription) or subscription.run is not None:
            return False
        # The identity is the one that the question was made for: a change of it would not have come by here.
        known = driver.answer_at_hand(subscription.question, peer.identity, query.journal)
        if known is None or known.result is None:
            return False
        live = driver.live
        start, journal, fingerprint = peer.current, query.journal, query.fingerprint
        text = peer.finish_lone(query, known.result, live.ts)
        driver.transitions += 1
        peer.outgoing.append(text)
        if live.follow(known, subscription):
            subscription.run = known
            if len(text) <= CHUNK_BYTES_MAX:
                step = SharedStep(
                    start=start,
                    end=peer.current,
                    query_id=query.query_id,
                    asked=query.asked,
                    identity=ANYBODY if known.is_for_anybody else peer.identity,
                    journal_before=journal,
                    fingerprint_before=fingerprint,
                    result=known.result,
                    text=text,
                )
                driver.share_step(step, known)
        else:
            peer.invalidate(query.query_id)
        return True

    def _start_update(self, now_ns: int) -> None:
        peer = self._peer
        driver = self._driver
        begun = peer.begin_update(now_ns)
        if begun is None:
            return
        for query in begun.dropped:
            self._let_go(query)
            query.subscription = None
        live = driver.live
        ts = live.ts
        if not begun.runs:
            driver.transitions += 1
            peer.finish_update(ts, (), now_ns)
            return
        identity = caller_of(peer.identity)
        if len(begun.runs) == 1:
            query = begun.runs[0]
            subscription = self._subscription(query, identity)
            known = live.find(subscription.question, identity, query.journal)
            if known is not None and known.result is not None:
                # The common case, kept short: one of the thousand who follow what somebody else has just asked again.
                driver.transitions += 1
                peer.finish_update(ts, ((query, known.result),), now_ns)
                live.follow(known, subscription)
                subscription.run = known
                return
        update = RunningUpdate(begun.runs, ts)
        for at, query in enumerate(begun.runs):
            subscription = self._subscription(query, identity)
            answer = live.ask(
                subscription.question,
                identity,
                query.journal,
                partial(self._answered_later, update, at, subscription),
            )
            if answer is None:
                update.missing += 1
            else:
                self._take(update, at, subscription, answer)
        if update.missing:
            self._update = update
            driver.loop.call_later(UPDATE_S_MAX, partial(self._update_overdue, update))
        else:
            self._finish_update(update, now_ns)

    def _answered_later(self, update: RunningUpdate, at: int, subscription: Subscription, answer: Answer) -> None:
        update.missing -= 1
        if self._update is not update or self._peer.closed:
            return
        self._take(update, at, subscription, answer)
        if update.missing == 0:
            self._update = None
            self._finish_update(update, self._driver.clock.now_ns())
            self._driver.schedule(self)

    def _update_overdue(self, update: RunningUpdate) -> None:
        """A query waits for something that does not come, and with it everything that this client is owed."""
        if self._update is update and not self._peer.closed:
            waiting = [query.path for query, answer in zip(update.runs, update.answers, strict=True) if answer is None]
            _logger.error("Queries waited for more than %d s and held up a client: %s", UPDATE_S_MAX, waiting)
            self._peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
            self._driver.schedule(self)

    def _take(self, update: RunningUpdate, at: int, subscription: Subscription, answer: Answer) -> None:
        """Notes one answer, and follows its run from this very moment on."""
        if isinstance(answer, RunFault):
            update.answers[at] = answer
            return
        assert answer.result is not None, "an answer is given with its result"
        update.answers[at] = answer.result
        if self._driver.live.follow(answer, subscription):
            subscription.run = answer
        else:
            self._peer.invalidate(subscription.query.query_id)

    def _finish_update(self, update: RunningUpdate, now_ns: int) -> None:
        driver = self._driver
        peer = self._peer
        results: list[tuple[FollowedQuery, QueryResult]] = []
        for query, answer in zip(update.runs, update.answers, strict=True):
            if isinstance(answer, QueryResult):
                results.append((query, answer))
            else:
                assert answer is not None, "an update ends when all its queries are answered"
                self._try_update_again(update, answer)
                return
        self._attempts = 0
        driver.transitions += 1
        peer.finish_update(update.ts, results, now_ns)

    def _try_update_again(self, update: RunningUpdate, fault: RunFault) -> None:
        """The system failed a query, which is not the client's business: the whole update is made again, later."""
        for query in update.runs:
            self._let_go(query)
        self._attempts += 1
        if self._attempts >= UPDATE_ATTEMPTS_MAX:
            self._peer.fail(*close_for(fault.error.code))
            return

        def again() -> None:
            if not self._peer.closed and self._peer.updating:
                self._peer.abandon_update(update.runs)
                self._driver.schedule(self)

        self._driver.loop.call_later(UPDATE_RETRY_S * 2**self._attempts, again)

    def _subscription(self, query: FollowedQuery, identity: Caller) -> Subscription:
        """What `query` holds on to, free of its last run."""
        visibility = visibility_of(identity)
        subscription = query.subscription
        if isinstance(subscription, Subscription):
            if subscription.run is not None:
                self._let_go(query)
            if subscription.question.visibility == visibility:
                return subscription
        else:
            subscription = query.subscription = Subscription(self, query)
        question = Question(
            query.path, query.args, visibility, query.component, self._driver.limits.arguments_bytes_max
        )
        query.asked = subscription.question = self._driver.live.share(question)
        return subscription

    def _is_more_broken(self, known: Subscription) -> bool:
        """Whether another query than that of `known` is broken without having been told."""
        for query in self._peer.queries.values():
            subscription = query.subscription
            if subscription is not known and isinstance(subscription, Subscription) and subscription.is_broken:
                return True
        return False

    def _let_go(self, query: FollowedQuery) -> None:
        subscription = query.subscription
        if isinstance(subscription, Subscription) and subscription.run is not None:
            run, subscription.run = subscription.run, None
            self._driver.live.unfollow(run, subscription)

    def _let_go_of_queries(self) -> None:
        self._update = None
        for query in self._peer.queries.values():
            self._let_go(query)


def _in_chunks(texts: list[bytes]) -> list[bytes]:
    """Large Transitions in pieces; other messages stay whole, however large."""
    pieces: list[bytes] = []
    for text in texts:
        pieces.extend(split_transition(text) if text.startswith(b'{"type":"Transition"') else (text,))
    return pieces
