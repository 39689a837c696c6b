"""Scopes: what is found where, and what ends when."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from parabola.client import CallFailed, ClientError, QueryState
from parabola.errors import InvalidArgument
from parabola.ui import Scope, inject_parabola, inject_prewarm_query, inject_query, provide_parabola
from parabola.ui.scopes import add_scope_finder, find_scope
from tests.unit.ui.memory_link import MemoryLink, scope_over


def test_outside_every_scope_the_error_says_what_to_write() -> None:
    with pytest.raises(ClientError, match=r"inject_query\(\) was called outside every scope") as caught:
        inject_query("todos:list")
    assert "with provide_parabola(" in str(caught.value)


def test_a_scope_without_a_client_above_it_says_so() -> None:
    with Scope(), pytest.raises(ClientError, match="provides no client"):
        inject_query("todos:list")


def test_everything_made_in_a_scope_ends_with_it(link: MemoryLink) -> None:
    with scope_over(link):
        with Scope():
            query = inject_query("todos:list")
            inject_query("todos:count")
            assert len(link.watches) == 2
        assert link.watches == []
        assert not link.is_closed
    assert link.is_closed
    link.answer("todos:list", {}, 1)
    assert query.data() is None


def test_a_scope_closes_what_is_below_it_newest_first(link: MemoryLink) -> None:
    order: list[str] = []
    with scope_over(link) as app:
        app.on_close(lambda: order.append("first"))
        child = Scope()
        child.on_close(lambda: order.append("child"))
        app.on_close(lambda: order.append("last"))
    assert order == ["last", "child", "first"]
    assert child.is_closed
    with pytest.raises(ClientError, match="closed"), child:
        pass
    with pytest.raises(ClientError, match="closed"):
        inject_query("todos:list", scope=child)


def test_a_child_that_closed_leaves_nothing_in_its_parent(link: MemoryLink) -> None:
    with scope_over(link) as app:
        for _ in range(100):
            with Scope():
                inject_query("todos:list")
        assert len(app._ends) == 0


def test_an_end_that_fails_does_not_keep_the_others(link: MemoryLink, caplog: pytest.LogCaptureFixture) -> None:
    ended: list[int] = []

    def fail() -> None:
        raise RuntimeError("mine")

    with scope_over(link) as app:
        app.on_close(lambda: ended.append(1))
        app.on_close(fail)
    assert ended == [1]
    assert "could not be ended" in caplog.text


def test_what_is_added_to_a_closed_scope_ends_at_once() -> None:
    scope = Scope()
    scope.close()
    ended: list[int] = []
    scope.on_close(lambda: ended.append(1))
    assert ended == [1]


def test_code_elsewhere_runs_in_a_scope_that_it_was_given(link: MemoryLink) -> None:
    scope = scope_over(link)
    assert find_scope() is None
    scope.run(lambda: inject_query("todos:list"))
    inject_query("todos:count", scope=scope)
    with scope.entered():
        assert find_scope() is scope
    assert not scope.is_closed
    assert link.subscribed() == ["todos:list", "todos:count"]
    scope.close()
    assert link.watches == []


async def test_tasks_inherit_the_scope_they_were_begun_in(link: MemoryLink) -> None:
    async def look() -> Scope | None:
        return find_scope()

    async with scope_over(link) as scope:
        task = asyncio.create_task(look())
        assert await task is scope
    assert link.is_closed


def test_threads_do_not(link: MemoryLink) -> None:
    found: list[Scope | None] = []
    with scope_over(link):
        thread = threading.Thread(target=lambda: found.append(find_scope()))
        thread.start()
        thread.join()
    assert found == [None]


def test_a_default_scope_serves_where_there_is_no_other(link: MemoryLink) -> None:
    app = scope_over(link).make_default()
    assert find_scope() is app
    with Scope() as nearer:
        assert find_scope() is nearer
        assert nearer.parent is app
    app.close()
    assert find_scope() is None


def test_a_framework_may_say_which_scope_is_meant(link: MemoryLink) -> None:
    page = scope_over(link)
    remove = add_scope_finder(lambda: page)
    assert find_scope() is page
    remove()
    assert find_scope() is None
    page.close()


def test_inject_parabola_gives_the_client(link: MemoryLink) -> None:
    with scope_over(link):
        assert inject_parabola() is link  # type: ignore[comparison-overlap]


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="not the address of a server"):
        provide_parabola("127.0.0.1:3210")


def test_a_prewarmed_query_is_kept_for_a_while(link: MemoryLink) -> None:
    with scope_over(link):
        prewarmed = inject_prewarm_query("users:get", keep_s=3)
        prewarmed.prewarm({"id": "ann"})
        ((delay_s, end),) = link.timers
        assert delay_s == 3
        link.answer("users:get", {"id": "ann"}, "Ann")
        query = inject_query("users:get", {"id": "ann"})
        assert query.data() == "Ann"
        end()
        assert len(link.watches) == 1, "only who asked still follows"
        prewarmed.prewarm({"id": "bob"})
    assert link.watches == []
    assert link.timers == []


def test_whoever_prewarms_can_wait_for_it_and_is_never_raised_anything(link: MemoryLink) -> None:
    told: list[tuple[str, Any]] = []
    with scope_over(link):
        prewarmed = inject_prewarm_query("users:get", on_error=lambda error, args: told.append((str(error), args)))
        ann, bob, eve = (prewarmed.prewarm({"id": name}) for name in ("ann", "bob", "eve"))
        assert not ann.done()
        link.answer("users:get", {"id": "ann"}, "Ann")
        assert ann.result() is True
        assert prewarmed.prewarm({"id": "ann"}).result() is True  # it is at hand
        link.show("users:get", {"id": "bob"}, QueryState("error", error=CallFailed("no such user")))
        assert bob.result() is False
        assert told == [("no such user", {"id": "bob"})]
        assert len(link.watches) == 3, "what failed is not kept"
        link.timers[1][1]()
        assert eve.result() is False
        late = prewarmed.prewarm({"id": "late"})
    assert late.result() is False
    assert prewarmed.prewarm({"id": "later"}).result() is False
    assert link.watches == []
