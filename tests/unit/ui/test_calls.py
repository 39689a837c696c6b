"""Mutations and actions, with the newest call as signals."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from parabola.client import CallFailed, ClientError, LocalStore, QueryState
from parabola.ui import Scope, inject_action, inject_mutation
from tests.unit.ui.memory_link import MemoryLink

pytestmark = pytest.mark.usefixtures("provided")


def succeed(link: MemoryLink, value: Any, number: int = -1) -> None:
    link.requests[number].settle(QueryState("success", value))


def fail(link: MemoryLink, text: str, number: int = -1) -> CallFailed:
    error = CallFailed(text)
    link.requests[number].settle(QueryState("error", error=error))
    return error


async def test_a_mutation_goes_from_idle_to_pending_to_success(link: MemoryLink) -> None:
    told: list[Any] = []
    add = inject_mutation("todos:add", on_success=told.append)
    assert (add.status(), add.is_loading(), add.is_success()) == ("idle", False, False)
    pending = add.mutate({"title": "bread"})
    assert (link.requests[0].kind, link.requests[0].args) == ("mutation", {"title": "bread"})
    assert (add.status(), add.is_loading()) == ("pending", True)
    succeed(link, "id1")
    assert (add.status(), add.data(), add.is_success(), add.is_loading()) == ("success", "id1", True, False)
    assert await pending == "id1"
    assert told == ["id1"]


async def test_a_mutation_that_fails_raises_to_whoever_waits_and_shows_its_error(link: MemoryLink) -> None:
    told: list[Exception] = []
    add = inject_mutation("todos:add", on_error=told.append)
    pending = add.mutate()
    error = fail(link, "no")
    with pytest.raises(CallFailed, match="no"):
        await pending
    assert (add.status(), add.error(), add.is_success(), add.data()) == ("error", error, False, None)
    assert told == [error]


def test_a_call_begins_whether_or_not_it_is_waited_for(link: MemoryLink) -> None:
    inject_action("mail:send").run({"to": "ann"})
    assert [request.kind for request in link.requests] == ["action"]


async def test_a_call_that_cannot_begin_fails_the_same_way(link: MemoryLink) -> None:
    call = inject_mutation("no such")
    with pytest.raises(ValueError, match="no such function"):
        await call.mutate()
    assert call.status() == "error"


async def test_the_signals_tell_of_the_newest_call_and_each_caller_of_its_own(link: MemoryLink) -> None:
    told: list[Any] = []
    add = inject_mutation("todos:add", on_success=told.append)
    first, second = add.mutate({"n": 1}), add.mutate({"n": 2})
    succeed(link, "second", 1)
    succeed(link, "first", 0)
    assert (await first, await second) == ("first", "second")
    assert add.data() == "second"
    assert told == ["second"]


def test_reset_forgets_the_newest_call(link: MemoryLink) -> None:
    add = inject_mutation("todos:add")
    pending = add.mutate()
    add.reset()
    succeed(link, 1)
    assert (add.status(), add.data()) == ("idle", None)
    assert pending.result() == 1


def test_a_call_outlives_its_scope_silently(link: MemoryLink) -> None:
    told: list[Any] = []
    with Scope():
        add = inject_mutation("todos:add", on_success=told.append)
        pending = add.mutate()
    succeed(link, 1)
    assert pending.result() == 1
    assert add.mutate().done() is False
    assert (add.status(), told) == ("idle", [])


def test_the_optimistic_update_goes_to_the_client(link: MemoryLink) -> None:
    def update(store: LocalStore, args: dict[str, Any]) -> None:
        store.set_query("todos:list", {}, [])

    inject_mutation("todos:add", optimistic_update=update).mutate()
    assert link.requests[0].optimistic_update is update


def test_waiting_in_the_thread_that_brings_the_result_is_refused(link: MemoryLink) -> None:
    pending = inject_mutation("todos:add").mutate()
    with pytest.raises(ClientError, match="wait for ever"):
        pending.result()


def test_another_thread_may_call_and_wait(link: MemoryLink) -> None:
    add = inject_mutation("todos:add")
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(add.mutate().result(60)))
    thread.start()
    while not link.posted:
        thread.join(0.001)
    link.do_posted()
    succeed(link, "done")
    thread.join()
    assert results == ["done"]


def test_a_callback_that_fails_is_logged_and_harms_nothing(link: MemoryLink, caplog: pytest.LogCaptureFixture) -> None:
    def stumble(data: Any) -> None:
        raise RuntimeError("mine")

    add = inject_mutation("todos:add", on_success=stumble)
    pending = add.mutate()
    succeed(link, 1)
    assert (pending.result(), add.status()) == (1, "success")
    assert "A callback of a mutation failed" in caplog.text
