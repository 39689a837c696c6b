"""A paginated query as signals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from reaktiv import Signal

from parabola.client import CallFailed, PaginatedState
from parabola.errors import InvalidArgument
from parabola.ui import PaginatedQuery, inject_paginated_query, skip
from tests.unit.ui.memory_link import MemoryLink

pytestmark = pytest.mark.usefixtures("provided")


def states(pages: PaginatedQuery) -> tuple[bool, bool, bool, bool]:
    return pages.is_loading_first_page(), pages.is_loading_more(), pages.can_load_more(), pages.is_exhausted()


def test_a_list_grows_page_by_page(link: MemoryLink) -> None:
    pages = inject_paginated_query("todos:page", {"room": "a"}, initial_num_items=2)
    (pagination,) = link.paginations
    assert (pagination.args, pagination.num_items) == ({"room": "a"}, 2)
    assert (pages.status(), states(pages), pages.results()) == ("pending", (True, False, False, False), [])
    pagination.show(PaginatedState([1, 2], "CanLoadMore"))
    assert (pages.status(), states(pages), pages.results()) == ("success", (False, False, True, False), [1, 2])
    assert pages.load_more(3)
    assert pagination.num_items == 5
    assert (pages.status(), states(pages)) == ("success", (False, True, False, False))
    assert not pages.load_more(3), "one page after another"
    pagination.show(PaginatedState([1, 2, 3], "Exhausted"))
    assert (states(pages), pages.results(), pages.is_success()) == ((False, False, False, True), [1, 2, 3], True)
    assert not pages.load_more(3)


def test_a_page_asked_for_in_another_thread_is_loading_at_once(link: MemoryLink) -> None:
    pages = inject_paginated_query("todos:page", initial_num_items=2)
    (pagination,) = link.paginations
    pagination.show(PaginatedState([1, 2], "CanLoadMore"))

    def elsewhere() -> tuple[bool, ...]:
        assert pages.load_more(3)
        return states(pages)

    with ThreadPoolExecutor() as threads:
        assert threads.submit(elsewhere).result() == (False, True, False, False)
    assert pagination.num_items == 2, "the client's thread has not come to it"
    link.do_posted()
    assert pagination.num_items == 5


def test_a_page_has_at_least_one_item(link: MemoryLink) -> None:
    with pytest.raises(InvalidArgument, match="1 item or more"):
        inject_paginated_query("todos:page").load_more(0)


def test_pages_stay_live(link: MemoryLink) -> None:
    told: list[Any] = []
    pages = inject_paginated_query("todos:page", on_success=told.append)
    link.paginations[0].show(PaginatedState([1], "Exhausted"))
    link.paginations[0].show(PaginatedState([0, 1], "Exhausted"))
    assert pages.results() == [0, 1]
    assert told == [[1], [0, 1]]


def test_other_arguments_begin_another_list(link: MemoryLink) -> None:
    room = Signal("a")
    size = Signal(2)
    pages = inject_paginated_query("todos:page", lambda: {"room": room()}, initial_num_items=size)
    link.paginations[0].show(PaginatedState([1, 2], "CanLoadMore"))
    room.set("b")
    (pagination,) = link.paginations
    assert (pagination.args, pages.results(), pages.is_loading_first_page()) == ({"room": "b"}, [], True)
    size.set(5)
    (pagination,) = link.paginations
    assert pagination.num_items == 5
    room.set("b")
    assert link.paginations == [pagination]


def test_a_signal_for_the_size_alone_is_followed(link: MemoryLink) -> None:
    size = Signal(2)
    inject_paginated_query("todos:page", {"room": "a"}, initial_num_items=size)
    size.set(3)
    assert [pagination.num_items for pagination in link.paginations] == [3]


def test_a_skipped_list_is_empty(link: MemoryLink) -> None:
    room: Signal[str | None] = Signal("a")
    pages = inject_paginated_query("todos:page", lambda: {"room": room()} if room() else skip)
    link.paginations[0].show(PaginatedState([1], "CanLoadMore"))
    room.set(None)
    assert link.paginations == []
    assert (pages.status(), pages.is_skipped(), pages.results(), states(pages)) == (
        "skipped",
        True,
        [],
        (False, False, False, False),
    )


def test_an_error_leaves_the_items_that_were_there(link: MemoryLink) -> None:
    errors: list[Exception] = []
    pages = inject_paginated_query("todos:page", on_error=errors.append)
    link.paginations[0].show(PaginatedState([1], "CanLoadMore"))
    failure = CallFailed("no")
    link.paginations[0].show(PaginatedState([], "LoadingFirstPage", failure))
    assert (pages.status(), pages.error(), pages.results(), states(pages)) == ("error", failure, [1], (False,) * 4)
    assert errors == [failure]
    link.paginations[0].show(PaginatedState([2], "Exhausted"))
    assert (pages.status(), pages.error(), pages.results()) == ("success", None, [2])


def test_a_failing_function_for_arguments_is_an_error(link: MemoryLink) -> None:
    def fail() -> dict[str, Any]:
        raise RuntimeError("mine")

    pages = inject_paginated_query("todos:page", fail)
    assert str(pages.error()) == "mine"
    assert link.paginations == []


def test_reset_loads_anew(link: MemoryLink) -> None:
    pages = inject_paginated_query("todos:page")
    link.paginations[0].show(PaginatedState([1], "CanLoadMore"))
    pages.reset()
    assert link.paginations[0].resets == 1
    assert (pages.results(), pages.is_loading_first_page()) == ([], True)
