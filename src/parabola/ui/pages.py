"""`inject_paginated_query`: a list that grows page by page and stays live, as signals.

The pages themselves are the work of `parabola.client`; here one of its paginations is followed, and exchanged for
another when the arguments change. Unlike a plain query, a list does not keep its items over such a change: they are
of another list. See `live_query` for the rules of threads and generations.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from reaktiv import Computed, Effect, Signal, batch, untracked
from reaktiv.protocols import ReadableSignal

from parabola.client import PaginatedState
from parabola.client.session import normalize_args
from parabola.errors import InvalidArgument
from parabola.ui.link import Link, PaginationLike
from parabola.ui.live_query import QueryStatus
from parabola.ui.queries import follow_signals
from parabola.ui.scopes import Scope, require_provider, require_scope
from parabola.ui.skipping import ArgsSource, Skip, read_args
from parabola.values import values_equal

log = logging.getLogger("parabola.ui")


@dataclass(frozen=True, slots=True)
class _View:
    state: PaginatedState
    is_skipped: bool = False
    error: Exception | None = None

    @property
    def is_loading_first_page(self) -> bool:
        return not self.is_skipped and self.error is None and self.state.status == "LoadingFirstPage"

    @property
    def status(self) -> QueryStatus:
        if self.is_skipped:
            return "skipped"
        if self.error is not None:
            return "error"
        return "pending" if self.is_loading_first_page else "success"

    def shows(self, status: str) -> bool:
        return not self.is_skipped and self.error is None and self.state.status == status


_LOADING: Final = _View(PaginatedState())
_SKIPPED: Final = _View(PaginatedState(), is_skipped=True)


class PaginatedQuery:
    """A live list. Its attributes are signals: call them to read them."""

    def __init__(
        self,
        link: Link,
        ref: object,
        *,
        on_success: Callable[[list[Any]], object] | None,
        on_error: Callable[[Exception], object] | None,
    ) -> None:
        self._link = link
        self._ref = ref
        self._on_success = on_success
        self._on_error = on_error
        self._lock = threading.Lock()
        self._view = Signal(_LOADING)
        self._generation = 0
        self._asked: tuple[dict[str, Any], int] | None = None
        self._pagination: PaginationLike | None = None  # at home only
        self._effect: Effect | None = None

    @cached_property
    def results(self) -> ReadableSignal[list[Any]]:
        """The items of all pages that are loaded."""
        return Computed(lambda: self._view().state.results)

    @cached_property
    def error(self) -> ReadableSignal[Exception | None]:
        """What the query failed with."""
        return Computed(lambda: self._view().error)

    @cached_property
    def is_loading_first_page(self) -> ReadableSignal[bool]:
        """Whether there is nothing yet."""
        return Computed(lambda: self._view().is_loading_first_page)

    @cached_property
    def is_loading_more(self) -> ReadableSignal[bool]:
        """Whether a further page is loading."""
        return Computed(lambda: self._view().shows("LoadingMore"))

    @cached_property
    def can_load_more(self) -> ReadableSignal[bool]:
        """Whether there is more, and nothing is loading."""
        return Computed(lambda: self._view().shows("CanLoadMore"))

    @cached_property
    def is_exhausted(self) -> ReadableSignal[bool]:
        """Whether everything is loaded."""
        return Computed(lambda: self._view().shows("Exhausted"))

    @cached_property
    def is_skipped(self) -> ReadableSignal[bool]:
        """Whether the arguments are `skip`."""
        return Computed(lambda: self._view().is_skipped)

    @cached_property
    def is_success(self) -> ReadableSignal[bool]:
        """Whether the first page is there."""
        return Computed(lambda: self._view().status == "success")

    @cached_property
    def status(self) -> ReadableSignal[QueryStatus]:
        """It is "pending" until the first page is there, "success", "error" or "skipped"."""
        return Computed(lambda: self._view().status)

    def load_more(self, num_items: int) -> bool:
        """Loads about this many more. False, and nothing happens, unless `can_load_more()`."""
        if num_items < 1:
            raise InvalidArgument(f"load_more() needs 1 item or more, not {num_items}.")
        with batch(), self._lock:
            shown = self._shown()
            if not shown.shows("CanLoadMore"):
                return False
            # Said at once: whoever waits for the page must not find that nothing is loading yet.
            self._view.set(replace(shown, state=replace(shown.state, status="LoadingMore")))
        self._link.post(lambda: self._load_more(num_items))
        return True

    def reset(self) -> None:
        """Loads anew from the first page."""
        self._link.post(self._reset)

    def close(self) -> None:
        """Stops following before the scope ends."""
        if self._effect is not None:
            self._effect.dispose()
        self._switch(None, None)

    def follow(self, args: ArgsSource, initial_num_items: int | Callable[[], int]) -> None:
        """For `inject_paginated_query`: keeps to these arguments."""

        def look() -> None:
            try:
                now = read_args(args)
                num_items = initial_num_items() if callable(initial_num_items) else initial_num_items
                asked = None if isinstance(now, Skip) else (normalize_args(now), num_items)
            except Exception as error:
                self._fail(error)
                return
            if asked is None:
                self._switch(None, _SKIPPED)
            elif self._asked is None or self._asked[1] != asked[1] or not values_equal(self._asked[0], asked[0]):
                self._switch(asked, _LOADING)

        source = args if callable(args) else initial_num_items
        self._effect = follow_signals(look, source)

    # Moving, in any thread.

    def _fail(self, error: Exception) -> None:
        self._switch(None, _View(PaginatedState(), error=error))
        self._tell(self._on_error, error)

    def _switch(self, asked: tuple[dict[str, Any], int] | None, view: _View | None) -> None:
        with batch():
            with self._lock:
                self._generation += 1
                generation = self._generation
                self._asked = asked
                if view is not None:
                    self._view.set(view)
            self._link.post(lambda: self._move(generation, asked))

    # At home.

    def _move(self, generation: int, asked: tuple[dict[str, Any], int] | None) -> None:
        if generation != self._generation:
            return
        old, self._pagination = self._pagination, None
        if asked is not None:
            try:
                self._pagination = pagination = self._link.paginated(self._ref, *asked)
                pagination.on_update(lambda state: self._take(generation, state))
            except Exception as error:
                self._take(generation, PaginatedState(), error)
            else:
                self._take(generation, pagination.current())
        if old is not None:
            old.close()

    def _load_more(self, num_items: int) -> None:
        pagination = self._pagination
        if pagination is not None and not pagination.load_more(num_items):
            # Something else came first: show what there is.
            self._take(self._generation, pagination.current())

    def _reset(self) -> None:
        if self._pagination is not None:
            self._pagination.reset()

    def _take(self, generation: int, state: PaginatedState, error: Exception | None = None) -> None:
        error = error if error is not None else state.error
        with batch():
            with self._lock:
                if generation != self._generation:
                    return
                if error is not None and not state.results:
                    # Beside an error, the items that were there stay.
                    state = replace(state, results=self._shown().state.results)
                self._view.set(_View(state, error=error))
            if error is not None:
                self._tell(self._on_error, error)
            elif state.status != "LoadingFirstPage":
                self._tell(self._on_success, state.results)

    def _shown(self) -> _View:
        with untracked():
            return self._view()

    def _tell(self, callback: Callable[[Any], object] | None, what: Any) -> None:
        if callback is not None:
            try:
                callback(what)
            except Exception:
                log.exception("A callback of a paginated query failed.")


def inject_paginated_query(
    ref: object,
    args: ArgsSource = None,
    *,
    initial_num_items: int | Callable[[], int] = 20,
    on_success: Callable[[list[Any]], object] | None = None,
    on_error: Callable[[Exception], object] | None = None,
    scope: Scope | None = None,
) -> PaginatedQuery:
    """Follows a paginated query, which takes `paginationOpts` beside `args`, for as long as the scope lasts.

    `initial_num_items`, which may be a signal, is the size of the first page. The pages that are loaded stay live:
    items appear, change and vanish in them, and none is shown twice. Otherwise as `inject_query`.
    """
    owner = require_scope("inject_paginated_query", scope)
    _, link = require_provider("inject_paginated_query", owner)
    pages = PaginatedQuery(link, ref, on_success=on_success, on_error=on_error)
    pages.follow(args, initial_num_items)
    owner.on_close(pages.close)
    return pages
