"""One sync socket: carries out what its peer decides (the theory of operation is in `sync_driver`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from parabola.auth import VerifiedToken
from parabola.backend.sync_callers import attributes_of, caller_of, close_for, visibility_of
from parabola.backend.sync_subscription import Subscription
from parabola.backend.sync_transport import NO_TRANSPORT, SyncTransport
from parabola.backend.sync_updates import QueryUpdates
from parabola.errors import InvalidValue, ParabolaError, PeerError, ProtocolError, WriteConflict
from parabola.functions.calls import decode_arguments
from parabola.functions.outcome import Call, Outcome
from parabola.live.manager import bad_arguments, no_such_component
from parabola.live.subscription import LiveRun
from parabola.sync.chunks import CHUNK_BYTES_MAX, in_chunks, understands_chunks
from parabola.sync.client_version import ClientVersion
from parabola.sync.codec import PING, decode_client_message
from parabola.sync.effects import AwaitTimestamp, Effect, RunAction, RunMutation, VerifyToken
from parabola.sync.server_peer import INTERNAL_CLOSE, INTERNAL_ERROR, TRY_AGAIN_CLOSE, ServerPeer
from parabola.sync.shared_step import SharedStep

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


class SyncConnection:
    """What a transport feeds: `receive_text`, `pause_writing`, `resume_writing`, `lost`."""

    __slots__ = (
        "_action_bytes",
        "_can_write",
        "_chunks",
        "_client",
        "_driver",
        "_is_acting",
        "_is_full",
        "_is_lost",
        "_last_sent",
        "_peer",
        "_request_salt",
        "_spoke",
        "_transport",
        "_unsent",
        "_updates",
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
        # Whether so much waits of what the client sent that no more is read.
        self._is_full = False
        self._action_bytes = 0
        self._is_acting = False
        self._is_lost = False
        self._updates = QueryUpdates(driver, peer)
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
            peer.receive(message, self._driver.clock.now_ns(), len(text))
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
        if not self._is_full:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The buffer has drained."""
        self._can_write = True
        if not self._is_full:
            self._transport.resume_reading()
        self._driver.schedule(self)

    def lost(self) -> None:
        """The socket is gone. What runs for it goes on; nobody is told."""
        if self._is_lost:
            return
        self._is_lost = True
        self._peer.gone()
        self._driver.heartbeats.remove(self, self._spoke)
        self._driver.disconnected(self)
        self._updates.let_go_of_queries()
        # It holds this connection, which would keep both until the garbage collector comes by.
        self._transport = NO_TRANSPORT

    # What the driver tells.

    def flush(self, now_s: float, now_ns: int) -> None:
        """Brings the client up to date, and sends what there is, in one write. `now_s` is the monotonic clock's time
        and `now_ns` the wall clock's, both as of a moment ago.
        """
        peer = self._peer
        if self._is_lost:
            return
        if peer.updating:
            if self._updates.is_paused:
                self._updates.go_on(self, now_ns)
        elif peer.update_wanted and self._can_write:
            self._updates.start(self, now_ns)
        if peer.update_wanted and not peer.updating and self._can_write and not self.is_due:
            # An answer of an update that took several steps was broken before the update ended.
            self.is_due = True
            self._driver.schedule_update(self)
        if peer.outgoing:
            texts = peer.outgoing
            peer.outgoing = []
            if self._chunks and max(map(len, texts)) > CHUNK_BYTES_MAX:
                texts = in_chunks(texts)
            self._last_sent = now_s
            self._transport.send_texts(texts)
        if self._is_full:
            self._look_at_backlog()
        if peer.close is not None:
            close, peer.close = peer.close, None
            expires_ns = peer.token_expires_ns
            if close.code is None and expires_ns is not None and expires_ns <= self._driver.clock.now_ns():
                self._driver.refused_tokens.expired(self._client)
            self._updates.let_go_of_queries()
            self._transport.close(close.code, close.reason)

    def take(self, subscription: Subscription, step: SharedStep, run: LiveRun, now_s: float, now_ns: int) -> bool:
        """Sends what another connection was just sent, `step` to the result of `run`, if that is all that this one is
        due, whose `subscription` is broken; False, and nothing done, if not. `run` must be valid and watched.
        """
        if (
            self.is_due
            or not self._can_write
            or self._is_lost
            or not self._updates.take(subscription, step, run, now_ns)
        ):
            return False
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
        if not self._is_full and transport.seconds_since_received() > DROP_AFTER_S:
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
        """Looks for broken queries of which it was not told. To be done before a `flush` while there is a crowd."""
        self._updates.notice_broken()

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
        self._updates.let_go_of_queries()
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
        if peer.waiting_bytes or self._action_bytes or self._is_full:
            self._look_at_backlog()

    def _look_at_backlog(self) -> None:
        """Reads no more from a client that has sent more than anybody has come to."""
        is_full = self._peer.waiting_bytes + self._action_bytes > self._driver.limits.waiting_bytes_max
        if is_full is not self._is_full:
            self._is_full = is_full
            if self._can_write:
                if is_full:
                    self._transport.pause_reading()
                else:
                    self._transport.resume_reading()

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, RunMutation):
            self._driver.run_soon(self, effect)
        elif isinstance(effect, RunAction):
            self._action_bytes += len(effect.args)
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
        self._action_bytes -= len(effect.args)
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
            self._refused(effect.token, error)
            return
        if verified is None:
            self._driver.start_task(self._verify_later(effect.token))
        else:
            self._token_holds(verified)

    async def _verify_later(self, token: str) -> None:
        try:
            verified = await self._driver.authenticator.user(token)
        except PeerError as error:
            self._refused(token, error)
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

    def _refused(self, token: str, error: PeerError) -> None:
        self._driver.refused_tokens.refused(token, error, self._client)
        self._peer.token_refused(error.message)

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
