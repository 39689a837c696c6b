"""One query behind signals: what `inject_query` and `inject_queries` are made of.

Theory of operation. All that is shown of a query is one immutable `QueryView` in one signal, so that no reader, in
whatever thread, sees a mixture. `follow` says what to ask; it is called by effects, in any thread, shows "pending" at
once and then has the subscription moved at the client's home. The new subscription begins before the old one ends: a
query that both ask is never taken off the server, and the last data stays on display until the new result is there.
Each move has a generation; what a subscription of an older generation reports is not shown.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from reaktiv import Signal, batch

from parabola.client import QueryState
from parabola.client.session import normalize_args
from parabola.ui.link import Link, WatchLike
from parabola.ui.skipping import Args, Skip
from parabola.values import values_equal

log = logging.getLogger("parabola.ui")

QueryStatus: TypeAlias = Literal["pending", "success", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class QueryView:
    """What is shown of a query at one moment."""

    status: QueryStatus
    data: Any = None
    error: Exception | None = None
    has_data: bool = False
    """Whether `data` is an answer; None may be one."""
    is_placeholder: bool = False


_PENDING: Final = QueryView("pending")
_SKIPPED: Final = QueryView("skipped")


class LiveQuery:
    """See the module's theory of operation. The callbacks are called at the client's home."""

    def __init__(
        self,
        link: Link,
        *,
        on_success: Callable[[Any], object] | None = None,
        on_error: Callable[[Exception], object] | None = None,
        placeholder_data: Any = None,
    ) -> None:
        self._link = link
        self._on_success = on_success
        self._on_error = on_error
        self._placeholder_data = placeholder_data
        self.view: Signal[QueryView] = Signal(_PENDING)
        # The view and the generation change together, under this lock; the signal tells its readers after it.
        self._lock = threading.Lock()
        self._shown = _PENDING
        self._generation = 0
        self._asked: tuple[object, dict[str, Any]] | None = None
        self._watch: WatchLike | None = None  # at home only

    def follow(self, ref: object, args: Args | Skip) -> None:
        """Asks this from now on. Nothing changes if it is what is asked already."""
        if isinstance(args, Skip):
            self._stop_asking(_SKIPPED)
            return
        try:
            values = normalize_args(args)
        except Exception as error:
            self.fail(error)
            return
        asked = self._asked
        if asked is None or asked[0] != ref or not values_equal(asked[1], values):
            self._ask(ref, values, anew=False)

    def refetch(self) -> None:
        """Asks the server again. What is shown stays until the answer is there."""
        asked = self._asked
        if asked is not None:
            self._ask(*asked, anew=True)

    def fail(self, error: Exception) -> None:
        """Shows an error that comes from here and not from the server, such as one of the function for arguments."""
        self._stop_asking(replace(self._without_placeholder(), status="error", error=error))
        self._tell(self._on_error, error)

    def close(self) -> None:
        """Stops following for good. What was shown last stays readable."""
        with self._lock:
            self._generation += 1
            generation = self._generation
            self._asked = None
        self._link.post(lambda: self._stop(generation))

    # Moving, in any thread.

    def _ask(self, ref: object, values: dict[str, Any], *, anew: bool) -> None:
        with batch():
            with self._lock:
                self._generation += 1
                generation = self._generation
                self._asked = (ref, values)
                self._show(self._view_while_waiting(values))
            self._link.post(lambda: self._move(generation, ref, values, anew))

    def _view_while_waiting(self, values: dict[str, Any]) -> QueryView:
        shown = self._without_placeholder()
        if not shown.has_data:
            placeholder = self._placeholder_for(values)
            if placeholder is not None:
                return QueryView("pending", placeholder, shown.error, is_placeholder=True)
        return replace(shown, status="pending")

    def _placeholder_for(self, values: dict[str, Any]) -> Any:
        if not callable(self._placeholder_data):
            return self._placeholder_data
        try:
            return self._placeholder_data(values)
        except Exception:
            log.exception("The function for placeholder data failed; there is none.")
            return None

    def _stop_asking(self, view: QueryView) -> None:
        with batch():
            with self._lock:
                self._generation += 1
                generation = self._generation
                self._asked = None
                self._show(view)
            self._link.post(lambda: self._stop(generation))

    # At home.

    def _stop(self, generation: int) -> None:
        # Where another thread has asked something new meanwhile, its move ends the subscription.
        if generation == self._generation:
            self._drop_watch()

    def _drop_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def _move(self, generation: int, ref: object, values: dict[str, Any], anew: bool) -> None:
        if generation != self._generation:
            return
        if anew:
            self._drop_watch()
        old, self._watch = self._watch, None
        try:
            self._watch = watch = self._link.watch(ref, values)
            watch.on_update(lambda state: self._take(generation, state))
        except Exception as error:
            self._take(generation, QueryState("error", error=error))  # type: ignore[arg-type]
        else:
            self._take(generation, watch.current())
        if old is not None:
            old.close()

    def _take(self, generation: int, state: QueryState) -> None:
        """The subscription of this generation has a new state."""
        with batch():
            with self._lock:
                if generation != self._generation:
                    return
                if state.status == "success":
                    self._show(QueryView("success", state.value, has_data=True))
                elif state.error is not None:
                    self._show(replace(self._without_placeholder(), status="error", error=state.error))
                elif self._shown.status != "pending":
                    # An optimistic update may show a query as loading.
                    self._show(replace(self._shown, status="pending"))
            if state.error is not None:
                self._tell(self._on_error, state.error)
            elif state.status == "success":
                self._tell(self._on_success, state.value)

    # Showing, under the lock and in a batch.

    def _without_placeholder(self) -> QueryView:
        shown = self._shown
        return replace(shown, data=None, is_placeholder=False) if shown.is_placeholder else shown

    def _show(self, view: QueryView) -> None:
        self._shown = view
        self.view.set(view)

    def _tell(self, callback: Callable[[Any], object] | None, what: Any) -> None:
        if callback is None:
            return
        try:
            callback(what)
        except Exception:
            log.exception("A callback of a query failed.")
