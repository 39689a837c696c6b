"""`usePaginatedQuery` of convex/react, mounted with React in a jsdom page: what a user of an endless list sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.js_client import JsDriver, node
from tests.scenarios.programs import CLIENTS, Program
from tests.scenarios.server_process import ServerProcess

PAGE_SIZE = 5


class Feed(Program):
    """The mounted list."""

    def __init__(self, url: str, room: str) -> None:
        super().__init__([node(), CLIENTS / "pagination.mjs", url, room, str(PAGE_SIZE)])

    def until(self, status: str, bodies: list[str]) -> None:
        """Waits until the list shows exactly this, and checks that no list on the way held an entry twice."""
        while True:
            shown = self.expect("render")
            assert len(set(shown["bodies"])) == len(shown["bodies"]), f"shown twice: {shown}"
            assert shown["bodies"] == sorted(shown["bodies"], key=position), f"out of order: {shown}"
            if shown["status"] == status and shown["bodies"] == bodies:
                return

    def load_more(self, count: int) -> None:
        self.say(f"more {count}")


def position(body: str) -> float:
    return float(body.removeprefix("entry "))


def entries(*positions: float) -> list[str]:
    return [f"entry {at:g}" for at in positions]


@pytest.fixture
def feed(server: ServerProcess, room: str) -> Iterator[Feed]:
    server.call("mutation", "entries:fill", {"room": room, "count": 13})
    program = Feed(server.url, room)
    try:
        yield program
    finally:
        program.close()


def test_three_pages_load_one_after_the_other(feed: Feed) -> None:
    feed.until("CanLoadMore", entries(*range(5)))
    feed.load_more(PAGE_SIZE)
    feed.until("CanLoadMore", entries(*range(10)))
    feed.load_more(PAGE_SIZE)
    feed.until("Exhausted", entries(*range(13)))
    feed.say("dom")
    assert feed.expect("dom")["bodies"] == entries(*range(13))


def test_changes_inside_loaded_pages_leave_no_gap_and_no_duplicate(
    feed: Feed, server: ServerProcess, js: JsDriver, room: str
) -> None:
    feed.until("CanLoadMore", entries(*range(5)))
    feed.load_more(PAGE_SIZE)
    feed.until("CanLoadMore", entries(*range(10)))
    writer = js.connect(server.url)

    # Into the first page, into the second, and exactly between them.
    shown: list[float] = list(range(10))
    for new in (1.5, 7.5, 4.5):
        writer.mutation("entries:add", {"room": room, "position": new})
        shown = sorted([*shown, new])
        feed.until("CanLoadMore", entries(*shown))

    # The entries at both sides of the border of the pages, and one in the middle of each.
    for gone in (4, 5, 2, 8):
        writer.mutation("entries:remove", {"room": room, "position": gone})
        shown.remove(gone)
        feed.until("CanLoadMore", entries(*shown))

    feed.load_more(PAGE_SIZE)
    shown += [10, 11, 12]
    feed.until("Exhausted", entries(*shown))

    # Behind what was the end, and before what was the beginning.
    for new in (99, -1):
        writer.mutation("entries:add", {"room": room, "position": new})
        shown = sorted([*shown, new])
        feed.until("Exhausted", entries(*shown))


def test_a_page_that_empties_keeps_its_place(feed: Feed, server: ServerProcess, js: JsDriver, room: str) -> None:
    feed.until("CanLoadMore", entries(*range(5)))
    feed.load_more(PAGE_SIZE)
    feed.until("CanLoadMore", entries(*range(10)))
    writer = js.connect(server.url)
    shown = list(range(10))
    for gone in range(5):
        writer.mutation("entries:remove", {"room": room, "position": gone})
        shown.remove(gone)
        feed.until("CanLoadMore", entries(*shown))
    writer.mutation("entries:add", {"room": room, "position": 2})
    feed.until("CanLoadMore", entries(2, *shown))


def test_the_list_goes_on_after_a_restart_of_the_server(start_server, js: JsDriver, room: str) -> None:
    server = start_server()
    server.call("mutation", "entries:fill", {"room": room, "count": 13})
    feed = Feed(server.url, room)
    try:
        feed.until("CanLoadMore", entries(*range(5)))
        feed.load_more(PAGE_SIZE)
        feed.until("CanLoadMore", entries(*range(10)))
        server.restart()
        js.connect(server.url).mutation("entries:add", {"room": room, "position": 3.5})
        shown = sorted([*range(10), 3.5])
        feed.until("CanLoadMore", entries(*shown))
        feed.load_more(PAGE_SIZE)
        feed.until("Exhausted", entries(*shown, 10, 11, 12))
    finally:
        feed.close()
