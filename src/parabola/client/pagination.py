"""A list that is loaded page by page and stays live.

Theory of operation. Each page is a query of its own, which begins where the page before it ended when it was loaded.
The server pins the end of a page by its journal, so that a page grows and shrinks with what happens inside it, and
neither gaps nor repeats appear between pages. A page that has grown too large is *split*: two queries for its halves
are begun, and take its place together once both are there. When a cursor is not valid any more (the query itself was
changed), everything is loaded anew from the first page.

Source: wire 1.6; the statuses are those of the official clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

from parabola.client.session import Session, Stop, Watch, call_safely
from parabola.client.states import QueryState
from parabola.errors import ClientError, ConvexError, InvalidArgument, ParabolaError
from parabola.sync.client_peer import normalize_args

PaginationStatus: TypeAlias = Literal["LoadingFirstPage", "CanLoadMore", "LoadingMore", "Exhausted"]

_SPLITS: Final = ("SplitRecommended", "SplitRequired")


@dataclass(frozen=True, slots=True)
class PaginatedState:
    """What is loaded at one moment."""

    results: list[Any] = field(default_factory=list)
    status: PaginationStatus = "LoadingFirstPage"
    error: ParabolaError | None = None
    """What the query failed with, if it did; `results` are those of the pages before."""

    @property
    def is_loading(self) -> bool:
        """Whether a page is on its way."""
        return self.status in ("LoadingFirstPage", "LoadingMore")


class _Page:
    """One query for a part of the list. `halves` are the pages that will replace it."""

    __slots__ = ("cursor", "halves", "watch")

    def __init__(self, cursor: str | None, watch: Watch) -> None:
        self.cursor = cursor
        self.watch = watch
        self.halves: tuple[_Page, _Page] | None = None

    def queries(self) -> Iterator[_Page]:
        """This page and its halves."""
        yield self
        yield from self.halves or ()

    def close(self) -> None:
        for page in self.queries():
            page.watch.close()


class Pagination:
    """Follows a paginated query until it is closed. Made by `paginated()` of a client; lives in the client's thread."""

    def __init__(
        self, session: Session, ref: object, args: Mapping[str, Any] | None, *, initial_num_items: int
    ) -> None:
        if initial_num_items < 1:
            raise InvalidArgument(f"initial_num_items must be 1 or more, not {initial_num_items}.")
        self._session = session
        self._ref = ref
        self._args = normalize_args(args)
        self._initial_num_items = initial_num_items
        self._listeners: list[Callable[[PaginatedState], object]] = []
        self._pages: list[_Page] = []
        self._id = 0
        self._is_refresh_planned = False
        self._is_closed = False
        self._state = PaginatedState()
        self._begin()

    def current(self) -> PaginatedState:
        """What is loaded now."""
        return self._state

    def on_update(self, callback: Callable[[PaginatedState], object]) -> Stop:
        """Calls `callback` with each state that is new after this call, in the client's thread; see
        `Watch.on_update`.
        """
        self._listeners.append(callback)

        def stop() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return stop

    def load_more(self, num_items: int) -> bool:
        """Loads about this many more. False, and nothing happens, unless the status is "CanLoadMore"."""
        if num_items < 1:
            raise InvalidArgument(f"load_more() needs 1 item or more, not {num_items}.")
        if self._is_closed or self._state.status != "CanLoadMore" or self._state.error is not None:
            return False
        last = self._pages[-1].watch.current().value
        self._pages.append(self._open_page(last["continueCursor"], num_items))
        self._refresh()
        return True

    def reset(self) -> None:
        """Loads anew from the first page."""
        if not self._is_closed:
            old = self._pages
            self._begin()
            for page in old:
                page.close()
            self._refresh()

    def close(self) -> None:
        """Stops following."""
        self._is_closed = True
        self._listeners.clear()
        for page in self._pages:
            page.close()
        self._pages = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Pages.

    def _begin(self) -> None:
        # A new number each time, so that the server does not read with the cursors of before.
        self._id = self._session.next_pagination_id()
        self._pages = [self._open_page(None, self._initial_num_items)]
        self._state = self._compute()

    def _open_page(self, cursor: str | None, num_items: int, end_cursor: str | None = None) -> _Page:
        options: dict[str, Any] = {"cursor": cursor, "id": self._id, "numItems": num_items}
        if end_cursor is not None:
            options["endCursor"] = end_cursor
        watch = self._session.watch(self._ref, {**self._args, "paginationOpts": options})
        watch.on_update(self._page_changed)
        return _Page(cursor, watch)

    def _page_changed(self, state: QueryState) -> None:
        # Several pages may change in one step: they are looked at once, together.
        if not self._is_refresh_planned:
            self._is_refresh_planned = True
            self._session.after_step(self._refresh)

    def _refresh(self) -> None:
        self._is_refresh_planned = False
        if self._is_closed:
            return
        if self._has_lost_its_cursors():
            self.reset()
            return
        self._finish_splits()
        self._begin_splits()
        self._state = self._compute()
        for listener in list(self._listeners):
            call_safely(listener, self._state)

    def _has_lost_its_cursors(self) -> bool:
        return any(
            query.cursor is not None and _is_invalid_cursor(query.watch.current().error)
            for page in self._pages
            for query in page.queries()
        )

    def _finish_splits(self) -> None:
        pages: list[_Page] = []
        for page in self._pages:
            if page.halves is not None and all(not half.watch.current().is_loading for half in page.halves):
                pages.extend(page.halves)
                page.watch.close()
            else:
                pages.append(page)
        self._pages = pages

    def _begin_splits(self) -> None:
        for page in self._pages:
            state = page.watch.current()
            if page.halves is not None or state.status != "success" or not _is_page(state.value):
                continue
            result = state.value
            middle = result.get("splitCursor")
            is_long = len(result["page"]) > 2 * self._initial_num_items
            if middle and (result.get("pageStatus") in _SPLITS or is_long):
                page.halves = (
                    self._open_page(page.cursor, self._initial_num_items, middle),
                    self._open_page(middle, self._initial_num_items, result["continueCursor"]),
                )

    def _compute(self) -> PaginatedState:
        results: list[Any] = []
        for page in self._pages:
            state = page.watch.current()
            if state.error is not None:
                return PaginatedState(results, _loading(results), state.error)
            if state.status == "success" and not _is_page(state.value):
                return PaginatedState(results, _loading(results), _not_a_page(state.value))
            # A page that must be split is not whole: what comes after its beginning is missing.
            if state.is_loading or state.value.get("pageStatus") == "SplitRequired":
                return PaginatedState(results, _loading(results))
            results.extend(state.value["page"])
        is_done = self._pages[-1].watch.current().value["isDone"]
        return PaginatedState(results, "Exhausted" if is_done else "CanLoadMore")


def _loading(results: list[Any]) -> PaginationStatus:
    return "LoadingMore" if results else "LoadingFirstPage"


def _is_page(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("page"), list) and "continueCursor" in value


def _not_a_page(value: Any) -> ClientError:
    return ClientError(
        f"Not a valid paginated query result: {type(value).__name__}. "
        "The function must return what paginate() gave it, with its `page` replaced if need be."
    )


def _is_invalid_cursor(error: ParabolaError | None) -> bool:
    if isinstance(error, ConvexError):
        data = error.data
        return (
            isinstance(data, dict)
            and data.get("isConvexSystemError") is True
            and data.get("paginationError") == "InvalidCursor"
        )
    return error is not None and "InvalidCursor" in error.message
