"""A list loaded page by page that stays live: what is asked for, what is shown, splits and resets (wire 1.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from parabola.client.asyncio_client import AsyncPagination
from parabola.client.optimistic import LocalStore
from parabola.client.pagination import PaginatedState, Pagination
from parabola.errors import CallFailed, ClientError, InvalidArgument
from tests.unit.client.session_world import Scripted


class Feed:
    """A paginated query over a list of numbers, whose cursors are "after N"."""

    def __init__(self, numbers: list[int], page_size: int = 3) -> None:
        self.world = Scripted().connect()
        self.numbers = numbers
        self.more: dict[str, Any] = {}
        self.states: list[PaginatedState] = []
        self.pages = Pagination(self.world.session, "feed:list", {"room": "r"}, initial_num_items=page_size)
        self.pages.on_update(self.states.append)

    def result(self, path: str, args: dict[str, Any]) -> Any:
        options = args["paginationOpts"]
        assert (path, args["room"]) == ("feed:list", "r")
        start = -1 if options["cursor"] is None else int(options["cursor"].removeprefix("after "))
        rest = [number for number in self.numbers if number > start]
        if "endCursor" in options:
            end = int(options["endCursor"].removeprefix("after "))
            page = [number for number in rest if number <= end]
        else:
            page = rest[: int(options["numItems"])]
        return self.page(page, rest, options)

    def page(self, page: list[int], rest: list[int], options: dict[str, Any]) -> dict[str, Any]:
        middle = page[len(page) // 2 - 1] if len(page) > 1 else None
        return {
            "page": page,
            "isDone": bool(page) and page[-1] == self.numbers[-1],
            "continueCursor": f"after {page[-1] if page else -1}",
            "splitCursor": None if middle is None else f"after {middle}",
            **self.more,
        }

    def answer(self) -> None:
        self.world.answer(self.result)

    def options(self) -> list[dict[str, Any]]:
        """The pagination options of the queries on the server."""
        self.world.take()
        return [args["paginationOpts"] for _, args in self.world.queries.values()]

    def shown(self) -> tuple[list[Any], str]:
        state = self.pages.current()
        return state.results, state.status


def failing_after_the_first_page(text: str) -> Callable[[str, dict[str, Any]], object]:
    return lambda path, args: ... if args["paginationOpts"]["cursor"] is None else ValueError(text)


def test_the_first_page_is_asked_for_with_a_number_of_its_own() -> None:
    feed = Feed(list(range(8)))
    assert feed.options() == [{"cursor": None, "id": 1, "numItems": 3}]
    assert feed.shown() == ([], "LoadingFirstPage")
    feed.answer()
    assert feed.shown() == ([0, 1, 2], "CanLoadMore")
    assert [state.status for state in feed.states] == ["CanLoadMore"]


def test_more_is_loaded_from_where_the_last_page_ended_until_all_is_there() -> None:
    feed = Feed(list(range(8)))
    assert not feed.pages.load_more(3)
    feed.answer()
    assert feed.pages.load_more(3)
    assert feed.shown() == ([0, 1, 2], "LoadingMore")
    assert not feed.pages.load_more(3)
    assert feed.options()[1] == {"cursor": "after 2", "id": 1, "numItems": 3}
    feed.answer()
    assert feed.pages.load_more(10)
    feed.answer()
    assert feed.shown() == (list(range(8)), "Exhausted")
    assert not feed.pages.load_more(1)
    assert [state.status for state in feed.states] == [
        "CanLoadMore", "LoadingMore", "CanLoadMore", "LoadingMore", "Exhausted",
    ]  # fmt: skip


def test_pages_that_change_in_one_transition_are_told_of_once() -> None:
    feed = Feed(list(range(6)))
    feed.answer()
    feed.pages.load_more(3)
    feed.answer()
    feed.states.clear()
    feed.numbers = [number * 2 for number in range(6)]
    feed.answer()
    assert len(feed.states) == 1


def test_a_page_that_grew_too_long_is_replaced_by_its_halves_when_both_are_there() -> None:
    feed = Feed([0, 10, 20, 30, 40], page_size=2)
    feed.answer()
    long = [0, 2, 4, 6, 8, 10]
    feed.numbers = [*long, 20, 30, 40]
    # The journal of the first page keeps its end at 10.
    feed.world.answer(lambda path, args: feed.page(long, feed.numbers, {}))
    assert feed.shown() == (long, "CanLoadMore")
    assert feed.options()[1:] == [
        {"cursor": None, "endCursor": "after 4", "id": 1, "numItems": 2},
        {"cursor": "after 4", "endCursor": "after 10", "id": 1, "numItems": 2},
    ]
    feed.world.answer(lambda path, args: ... if "endCursor" not in args["paginationOpts"] else feed.result(path, args))
    assert feed.shown() == (long, "CanLoadMore")
    assert [options.get("endCursor") for options in feed.options()] == ["after 4", "after 10"]


def test_a_page_that_must_be_split_is_not_shown_half() -> None:
    feed = Feed(list(range(8)))
    feed.more = {"pageStatus": "SplitRequired"}
    feed.answer()
    assert feed.shown() == ([], "LoadingFirstPage")
    feed.more = {}
    feed.answer()
    assert feed.shown() == ([0, 1, 2], "CanLoadMore")


def test_a_cursor_that_is_not_valid_any_more_loads_everything_anew() -> None:
    feed = Feed(list(range(8)))
    feed.answer()
    feed.pages.load_more(3)
    feed.answer()
    feed.world.answer(
        lambda path, args: (
            ... if args["paginationOpts"]["cursor"] is None else ValueError("InvalidCursor: of another query")
        )
    )
    assert feed.shown() == ([], "LoadingFirstPage")
    assert feed.options() == [{"cursor": None, "id": 2, "numItems": 3}]
    feed.answer()
    assert feed.shown() == ([0, 1, 2], "CanLoadMore")


def test_any_other_failure_is_shown_beside_what_is_loaded() -> None:
    feed = Feed(list(range(8)))
    feed.answer()
    feed.pages.load_more(3)
    feed.world.answer(
        lambda path, args: ... if args["paginationOpts"]["cursor"] is None else ValueError("Server Error")
    )
    assert feed.shown() == ([0, 1, 2], "LoadingMore")
    assert isinstance(feed.pages.current().error, CallFailed)
    assert not feed.pages.load_more(3)


@pytest.mark.parametrize("result", [None, [], {"page": []}, {"page": 1, "continueCursor": ""}], ids=repr)
def test_a_result_that_is_no_page_is_an_error_that_says_what_to_return(result: object) -> None:
    feed = Feed([])
    feed.world.answer(lambda path, args: result)
    error = feed.pages.current().error
    assert isinstance(error, ClientError)
    assert "Not a valid paginated query result" in error.message


def test_a_reset_begins_with_the_first_page_and_a_new_number() -> None:
    feed = Feed(list(range(8)))
    feed.answer()
    feed.pages.reset()
    assert feed.shown() == ([], "LoadingFirstPage")
    assert feed.options() == [{"cursor": None, "id": 2, "numItems": 3}]


def test_a_closed_list_leaves_nothing_on_the_server() -> None:
    feed = Feed(list(range(8)))
    feed.answer()
    feed.pages.load_more(3)
    feed.pages.close()
    assert feed.options() == []
    assert not feed.pages.load_more(3)


def test_an_optimistic_update_reaches_into_pages() -> None:
    feed = Feed(list(range(3)))
    feed.answer()

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        for page_args, page in store.get_all_queries("feed:list"):
            store.set_query("feed:list", page_args, {**page, "page": [*page["page"], "new"]})

    feed.world.session.request("mutation", "feed:add", {}, lambda outcome: None, update)
    assert feed.shown()[0] == [0, 1, 2, "new"]
    feed.world.fail(feed.world.session.peer.requests.next_id - 1)
    assert feed.shown()[0] == [0, 1, 2]


def test_no_items_are_no_page() -> None:
    with pytest.raises(InvalidArgument):
        Feed([], page_size=0)
    feed = Feed([0])
    with pytest.raises(InvalidArgument):
        feed.pages.load_more(0)


async def test_pages_can_be_waited_for() -> None:
    world = Scripted().connect()
    pages = AsyncPagination(world.session, "feed:list", {}, initial_num_items=2)
    page = {"page": [1, 2], "isDone": False, "continueCursor": "after 2"}
    loop = asyncio.get_running_loop()
    loop.call_soon(world.answer, lambda path, args: page)
    assert (await pages.wait()).results == [1, 2]
    assert await pages.wait() is pages.current()
    loop.call_soon(world.answer, lambda path, args: {**page, "page": [1]})
    assert (await pages.wait(lambda state: len(state.results) == 1)).results == [1]
    loop.call_soon(world.answer, lambda path, args: ValueError("Server Error"))
    with pytest.raises(CallFailed):
        await pages.wait(lambda state: False)
