"""`inject_query` and `inject_queries`: live queries as signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, TypeAlias

from reaktiv import Computed, Effect, Signal, batch, untracked
from reaktiv.protocols import ReadableSignal

from parabola.errors import InvalidArgument
from parabola.ui.live_query import LiveQuery, QueryStatus
from parabola.ui.scopes import Scope, require_provider, require_scope
from parabola.ui.skipping import Args, ArgsSource, Skip, read_args, skip


class Query:
    """A live query. Its attributes are signals: call them to read them."""

    def __init__(self, live: LiveQuery, effect: Effect | None) -> None:
        self._live = live
        self._effect = effect

    @cached_property
    def data(self) -> ReadableSignal[Any]:
        """The newest result, or the placeholder; None before there is one. The last result stays while the next one
        is loading, and beside an error."""
        return Computed(lambda: self._live.view().data)

    @cached_property
    def error(self) -> ReadableSignal[Exception | None]:
        """What the query failed with: a `ConvexError` with its data if the function raised one."""
        return Computed(lambda: self._live.view().error)

    @cached_property
    def is_loading(self) -> ReadableSignal[bool]:
        """Whether a result is being waited for: the first, one for new arguments, or one of `refetch()`."""
        return Computed(lambda: self._live.view().status == "pending")

    @cached_property
    def is_refetching(self) -> ReadableSignal[bool]:
        """Whether it is loading while an earlier result is shown."""
        return Computed(lambda: self._live.view().status == "pending" and self._live.view().has_data)

    @cached_property
    def is_placeholder_data(self) -> ReadableSignal[bool]:
        """Whether `data` is the placeholder."""
        return Computed(lambda: self._live.view().is_placeholder)

    @cached_property
    def is_skipped(self) -> ReadableSignal[bool]:
        """Whether the arguments are `skip`."""
        return Computed(lambda: self._live.view().status == "skipped")

    @cached_property
    def is_success(self) -> ReadableSignal[bool]:
        """Whether `data` is the result for the present arguments."""
        return Computed(lambda: self._live.view().status == "success")

    @cached_property
    def status(self) -> ReadableSignal[QueryStatus]:
        """One of "pending", "success", "error" or "skipped"."""
        return Computed(lambda: self._live.view().status)

    def refetch(self) -> None:
        """Asks the server again, although a live query is always up to date: after an error that may have passed."""
        self._live.refetch()

    def close(self) -> None:
        """Stops following before the scope ends."""
        if self._effect is not None:
            self._effect.dispose()
        self._live.close()


def inject_query(
    ref: object,
    args: ArgsSource = None,
    *,
    on_success: Callable[[Any], object] | None = None,
    on_error: Callable[[Exception], object] | None = None,
    placeholder_data: Any = None,
    scope: Scope | None = None,
) -> Query:
    """Follows a query for as long as the scope lasts.

    `ref` is `api.module.function` or its name. `args` is a function that returns the arguments, or `skip`; when a
    signal that it reads changes, the subscription moves to the new arguments without a gap. Arguments that never
    change may be given as they are. `on_success` is called with each new result and `on_error` with each error, in the
    client's thread. `placeholder_data` is shown while the first result is loading, and never counts as a success; it
    may be a function of the arguments.

    Raises `ClientError` outside every scope. Nothing else is raised: what goes wrong is in the signal `error`.
    """
    owner = require_scope("inject_query", scope)
    _, link = require_provider("inject_query", owner)
    live = LiveQuery(link, on_success=on_success, on_error=on_error, placeholder_data=placeholder_data)

    def follow() -> None:
        try:
            now = read_args(args)
        except Exception as error:
            with untracked():
                live.fail(error)
        else:
            with untracked():
                live.follow(ref, now)

    query = Query(live, follow_signals(follow, args))
    owner.on_close(query.close)
    return query


def follow_signals(follow: Callable[[], None], source: object) -> Effect | None:
    """Runs `follow` now and, where `source` is a function, again whenever a signal that it read has changed."""
    with untracked():
        if callable(source):
            return Effect(follow)
        follow()
        return None


QueryRequest: TypeAlias = tuple[object, Args] | Skip
"""One of several queries: (reference, arguments), or `skip`."""


class Queries:
    """Several live queries under one name each. The attributes are signals of dicts with the same keys."""

    def __init__(self, live: Signal[dict[str, LiveQuery]]) -> None:
        self._live = live
        self._effect: Effect | None = None

    @cached_property
    def results(self) -> ReadableSignal[dict[str, Any]]:
        """The newest result of each; None before there is one."""
        return Computed(lambda: {key: query.view().data for key, query in self._live().items()})

    @cached_property
    def errors(self) -> ReadableSignal[dict[str, Exception | None]]:
        """What each failed with, or None."""
        return Computed(lambda: {key: query.view().error for key, query in self._live().items()})

    @cached_property
    def statuses(self) -> ReadableSignal[dict[str, QueryStatus]]:
        """One of "pending", "success", "error" or "skipped"."""
        return Computed(lambda: {key: query.view().status for key, query in self._live().items()})

    @cached_property
    def is_loading(self) -> ReadableSignal[bool]:
        """Whether any of them is loading."""
        return Computed(lambda: any(query.view().status == "pending" for query in self._live().values()))

    def keep(self, effect: Effect) -> None:
        """For `inject_queries`: what follows the definitions."""
        self._effect = effect

    def refetch(self) -> None:
        """Asks the server for all of them again."""
        with batch(), untracked():
            for query in self._live().values():
                query.refetch()

    def close(self) -> None:
        """Stops following before the scope ends."""
        if self._effect is not None:
            self._effect.dispose()
        with untracked():
            for query in self._live().values():
                query.close()


def inject_queries(
    definitions: Callable[[], Mapping[str, QueryRequest]],
    *,
    on_success: Callable[[str, Any], object] | None = None,
    on_error: Callable[[str, Exception], object] | None = None,
    scope: Scope | None = None,
) -> Queries:
    """Follows several queries, as many as `definitions` returns now: `{"user": (api.users.get, {"id": id()})}`.

    When a signal that it reads has changed, only the queries that are new, gone or different move. The callbacks get
    the key first.
    """
    owner = require_scope("inject_queries", scope)
    _, link = require_provider("inject_queries", owner)
    live: Signal[dict[str, LiveQuery]] = Signal({})

    def make(key: str) -> LiveQuery:
        return LiveQuery(
            link,
            on_success=None if on_success is None else partial(on_success, key),
            on_error=None if on_error is None else partial(on_error, key),
        )

    def follow() -> None:
        wanted: dict[str, object] = dict(definitions())
        with untracked(), batch():
            old = live()
            new = {key: old[key] if key in old else make(key) for key in wanted}
            for key, request in wanted.items():
                if isinstance(request, Skip):
                    new[key].follow(None, skip)
                elif isinstance(request, tuple) and len(request) == 2:
                    new[key].follow(*request)
                else:
                    new[key].fail(_not_a_request(key, request))
            for key in old.keys() - new.keys():
                old[key].close()
            if list(new) != list(old):
                live.set(new)

    queries = Queries(live)
    with untracked():
        queries.keep(Effect(follow))
    owner.on_close(queries.close)
    return queries


def _not_a_request(key: str, request: object) -> InvalidArgument:
    return InvalidArgument(
        f"{key!r} asks {request!r:.100}, which is no query. Write (reference, arguments), as in "
        '("todos:list", {"list": "home"}), or skip.'
    )
