"""`inject_prewarm_query`: asks before it is needed, so that what is opened next shows its data at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from parabola.client import QueryState, Stop
from parabola.ui.awaiting import Pending
from parabola.ui.link import Link
from parabola.ui.scopes import Scope, require_provider, require_scope
from parabola.ui.skipping import Args

log = logging.getLogger("parabola.ui")

KEEP_S: Final = 5.0
"""How long a prewarmed query is kept for somebody to ask it."""


class PrewarmedQuery:
    """Follows queries for a short while, for those who will ask them."""

    def __init__(
        self, link: Link, ref: object, *, keep_s: float, on_error: Callable[[Exception, Args], object] | None
    ) -> None:
        self._link = link
        self._ref = ref
        self._keep_s = keep_s
        self._on_error = on_error
        self._ends: set[Stop] = set()  # at home only
        self._is_closed = False

    def prewarm(self, args: Args = None) -> Pending[bool]:
        """Begins to follow the query with these arguments; asked within the time set, it answers at once.

        Await what is returned, or don't: it is True when the first result is there, and False when the query failed,
        the time was over before, or the scope ended. It never raises.
        """
        pending: Pending[bool] = Pending(self._link.is_here)
        self._link.post(lambda: self._begin(args, pending))
        return pending

    def close(self) -> None:
        """Ends what is being kept."""
        self._is_closed = True
        self._link.post(self._end_all)

    def _begin(self, args: Args, pending: Pending[bool]) -> None:
        if self._is_closed:
            pending.succeed(False)
            return
        try:
            watch = self._link.watch(self._ref, {} if args is None else args)
        except Exception as error:
            pending.succeed(False)
            self._tell(error, args)
            return

        def end() -> None:
            if end in self._ends:
                self._ends.remove(end)
                stop_timer()
                watch.close()
                pending.succeed(False)

        stop_timer = self._link.call_later(self._keep_s, end)
        self._ends.add(end)

        def look(state: QueryState) -> None:
            if state.error is not None:
                end()
                self._tell(state.error, args)
            elif not state.is_loading:
                pending.succeed(True)

        watch.on_update(look)
        look(watch.current())

    def _end_all(self) -> None:
        for end in list(self._ends):
            end()

    def _tell(self, error: Exception, args: Args) -> None:
        if self._on_error is not None:
            try:
                self._on_error(error, args)
            except Exception:
                log.exception("A callback of a query failed.")


def inject_prewarm_query(
    ref: object,
    *,
    keep_s: float = KEEP_S,
    on_error: Callable[[Exception, Any], object] | None = None,
    scope: Scope | None = None,
) -> PrewarmedQuery:
    """For what will be needed soon: call `prewarm(args)` when the pointer is over a link, say.

    The subscription is kept for `keep_s` seconds; a query that asks the same within them has its data at once.
    `on_error` is called with the error and the arguments.
    """
    owner = require_scope("inject_prewarm_query", scope)
    _, link = require_provider("inject_prewarm_query", owner)
    prewarmed = PrewarmedQuery(link, ref, keep_s=keep_s, on_error=on_error)
    owner.on_close(prewarmed.close)
    return prewarmed
