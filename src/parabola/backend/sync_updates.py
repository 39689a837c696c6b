"""Bringing one client's queries up to date: which have to run, at which timestamp, and what the client is told.

Theory of operation. An update answers all its queries as of one timestamp, the newest at its beginning. Most are one
query whose answer is at hand, and are over at once (`update_lone`). The others take the queries one after the other and
give the event loop back whenever its step has lasted long enough; commits may pass meanwhile, and queries that come
after are still asked as of the beginning. Some queries wait for something outside, and the update with them. Whatever
an update waits for, it costs its own client only.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from parabola.auth import Caller
from parabola.backend.sync_callers import caller_of, close_for, visibility_of
from parabola.backend.sync_subscription import Subscription
from parabola.live.question import Question
from parabola.live.subscription import Answer, LiveRun, RunFault
from parabola.sync.chunks import CHUNK_BYTES_MAX
from parabola.sync.followed_query import FollowedQuery
from parabola.sync.results import QueryResult
from parabola.sync.server_peer import INTERNAL_CLOSE, INTERNAL_ERROR, ServerPeer
from parabola.sync.shared_step import ANYBODY, SharedStep

if TYPE_CHECKING:
    from parabola.backend.sync_connection import SyncConnection
    from parabola.backend.sync_driver import SyncDriver

_logger: Final = logging.getLogger("parabola.sync")

UPDATE_ATTEMPTS_MAX: Final = 6
UPDATE_RETRY_S: Final = 0.05
UPDATE_S_MAX: Final = 30.0
"""How long the queries of one update may take in all before the client is sent away."""


class RunningUpdate:
    """An update on its way: the queries from `at` on were not asked yet, `missing` of the others not answered."""

    __slots__ = ("answers", "at", "identity", "missing", "runs", "ts")

    def __init__(self, runs: list[FollowedQuery], ts: int, identity: Caller) -> None:
        self.runs = runs
        self.ts = ts
        self.identity = identity
        self.at = 0
        self.missing = 0
        self.answers: list[QueryResult | RunFault | None] = [None] * len(runs)


class QueryUpdates:
    """The updates of one connection. Where something is scheduled for it, it is passed: that both hold each other is
    for the garbage collector alone to undo.
    """

    __slots__ = ("_attempts", "_driver", "_peer", "_update")

    def __init__(self, driver: SyncDriver, peer: ServerPeer) -> None:
        self._driver = driver
        self._peer = peer
        self._update: RunningUpdate | None = None
        self._attempts = 0

    @property
    def is_paused(self) -> bool:
        """Whether an update has queries left to ask for a client that is to hear of them: it goes on with `go_on`."""
        update = self._update
        return update is not None and update.at < len(update.runs) and not self._peer.closed

    def start(self, connection: SyncConnection, now_ns: int) -> None:
        """Does what is due, as far as a step of the loop allows; the peer's `outgoing` gets what there is to tell."""
        peer = self._peer
        if peer.stale:
            if not self._update_lone(now_ns):
                self._start(connection, now_ns)
        elif peer.step_on(self._driver.live.ts, now_ns):
            self._driver.transitions += 1
        else:
            self._start(connection, now_ns)

    def notice_broken(self) -> None:
        """Tells the peer of every broken query of which it was not told yet. No update may begin before."""
        for query in self._peer.queries.values():
            subscription = query.subscription
            if isinstance(subscription, Subscription) and subscription.is_broken:
                subscription.run = None
                self._peer.invalidate(query.query_id)

    def take(self, subscription: Subscription, step: SharedStep, run: LiveRun, now_ns: int) -> bool:
        """Takes `step`, to the result of `run`, if that is all that is due, whose `subscription` is broken; False, and
        nothing done, if not. `run` must be valid and watched.
        """
        peer = self._peer
        if (len(peer.queries) > 1 and self._is_more_broken(subscription)) or not peer.take(
            step, subscription.query, now_ns
        ):
            return False
        subscription.run = run
        run.followers.add(subscription)
        return True

    def let_go_of_queries(self) -> None:
        """Nobody is there to be told any more."""
        self._update = None
        peer = self._peer
        for query in peer.queries.values():
            self._let_go(query)
            # A circle of references would keep both, and the arguments, until the garbage collector comes by.
            query.subscription = None
        peer.queries.clear()

    def _is_more_broken(self, known: Subscription) -> bool:
        """Whether another query than that of `known` is broken without having been told."""
        for query in self._peer.queries.values():
            subscription = query.subscription
            if subscription is not known and isinstance(subscription, Subscription) and subscription.is_broken:
                return True
        return False

    def _update_lone(self, now_ns: int) -> bool:
        """The common case in one go, one of the thousand who follow what somebody else has just asked again: one query
        has to run, and its answer is at hand. False, and nothing done, in every other case.
        """
        peer, driver = self._peer, self._driver
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

    def _start(self, connection: SyncConnection, now_ns: int) -> None:
        peer, driver = self._peer, self._driver
        begun = peer.begin_update(now_ns)
        if begun is None:
            return
        for query in begun.dropped:
            self._let_go(query)
            query.subscription = None
        live = driver.live
        if not begun.runs:
            driver.transitions += 1
            peer.finish_update(live.ts, (), now_ns)
            return
        identity = caller_of(peer.identity)
        if len(begun.runs) == 1:
            query = begun.runs[0]
            subscription = self._subscription(connection, query, identity)
            known = live.find(subscription.question, identity, query.journal)
            if known is not None and known.result is not None:
                # The common case, kept short: one of the thousand who follow what somebody else has just asked again.
                driver.transitions += 1
                peer.finish_update(live.ts, ((query, known.result),), now_ns)
                live.follow(known, subscription)
                subscription.run = known
                return
        update = self._update = RunningUpdate(begun.runs, live.ts, identity)
        self.go_on(connection, now_ns)
        if update.missing or update.at < len(update.runs):
            driver.loop.call_later(UPDATE_S_MAX, partial(self._overdue, connection, update))

    def go_on(self, connection: SyncConnection, now_ns: int) -> None:
        """Asks the next queries of an update, one at least, and others for as long as the step of the loop may last."""
        update, driver = self._update, self._driver
        assert update is not None, "no update is paused"
        runs = update.runs
        while update.at < len(runs):
            at, update.at = update.at, update.at + 1
            subscription = self._subscription(connection, runs[at], update.identity)
            answer = driver.live.ask(
                subscription.question,
                update.identity,
                runs[at].journal,
                partial(self._answered_later, connection, update, at, subscription),
                ts=update.ts,
            )
            if answer is None:
                update.missing += 1
            else:
                self._note(update, at, subscription, answer)
            if update.at < len(runs) and driver.step_is_over():
                driver.go_on_later(connection)
                return
        if update.missing == 0:
            self._update = None
            self._finish(connection, update, now_ns)

    def _answered_later(
        self, connection: SyncConnection, update: RunningUpdate, at: int, subscription: Subscription, answer: Answer
    ) -> None:
        update.missing -= 1
        if self._update is not update or self._peer.closed:
            return
        self._note(update, at, subscription, answer)
        if update.missing == 0 and update.at == len(update.runs):
            self._update = None
            self._finish(connection, update, self._driver.clock.now_ns())
            self._driver.schedule(connection)

    def _overdue(self, connection: SyncConnection, update: RunningUpdate) -> None:
        """A query waits for something that does not come, and with it everything that this client is owed."""
        if self._update is update and not self._peer.closed:
            waiting = [query.path for query, answer in zip(update.runs, update.answers, strict=True) if answer is None]
            _logger.error("Queries took more than %d s and held up a client: %s", UPDATE_S_MAX, waiting)
            self._peer.fail(INTERNAL_CLOSE, INTERNAL_ERROR)
            self._driver.schedule(connection)

    def _note(self, update: RunningUpdate, at: int, subscription: Subscription, answer: Answer) -> None:
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

    def _finish(self, connection: SyncConnection, update: RunningUpdate, now_ns: int) -> None:
        driver, peer = self._driver, self._peer
        results: list[tuple[FollowedQuery, QueryResult]] = []
        news_bytes = 0
        for query, answer in zip(update.runs, update.answers, strict=True):
            if not isinstance(answer, QueryResult):
                assert answer is not None, "an update ends when all its queries are answered"
                self._try_again(connection, update, answer)
                return
            results.append((query, answer))
            if answer.fingerprint != query.fingerprint:
                news_bytes += answer.news_bytes
        self._attempts = 0
        if news_bytes > driver.limits.transition_bytes_max:
            peer.protocol_broken(
                f"The results of the queries of this client are {news_bytes} bytes together, and at most "
                f"{driver.limits.transition_bytes_max} can be told at once. Return less, or follow fewer queries."
            )
            return
        driver.transitions += 1
        peer.finish_update(update.ts, results, now_ns)

    def _try_again(self, connection: SyncConnection, update: RunningUpdate, fault: RunFault) -> None:
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
                self._driver.schedule(connection)

        self._driver.loop.call_later(UPDATE_RETRY_S * 2**self._attempts, again)

    def _subscription(self, connection: SyncConnection, query: FollowedQuery, identity: Caller) -> Subscription:
        """What `query` holds on to, free of its last run."""
        visibility = visibility_of(identity)
        subscription = query.subscription
        if isinstance(subscription, Subscription):
            if subscription.run is not None:
                self._let_go(query)
            if subscription.question.visibility == visibility:
                return subscription
        else:
            subscription = query.subscription = Subscription(connection, query)
        most = self._driver.limits.arguments_bytes_max
        question = Question(query.path, query.args, visibility, query.component, most)
        query.asked = subscription.question = self._driver.live.share(question)
        return subscription

    def _let_go(self, query: FollowedQuery) -> None:
        subscription = query.subscription
        if isinstance(subscription, Subscription) and subscription.run is not None:
            run, subscription.run = subscription.run, None
            self._driver.live.unfollow(run, subscription)
