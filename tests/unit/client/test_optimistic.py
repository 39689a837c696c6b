"""Optimistic updates: what a local store shows, how long, and what becomes of updates that fail."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from parabola.client.optimistic import LocalStore
from parabola.client.states import QueryState
from parabola.errors import ClientError
from parabola.sync.client_incoming import Outcome
from parabola.values.model import UNDEFINED
from tests.unit.client.session_world import Scripted

SHOWN = {"list": ["a"], "count": 1}


def connected() -> Scripted:
    world = Scripted().connect()
    world.session.watch("messages:list")
    world.session.watch("messages:count")
    world.answer(lambda path, args: SHOWN[path.removeprefix("messages:")])
    return world


def send(world: Scripted, update: Any, args: dict[str, Any] | None = None) -> tuple[int, list[Outcome]]:
    outcomes: list[Outcome] = []
    request_id = world.session.peer.requests.next_id
    world.session.request("mutation", "messages:send", args, outcomes.append, update)
    return request_id, outcomes


def shown(world: Scripted, path: str = "messages:list", args: dict[str, Any] | None = None) -> QueryState:
    watch = world.session.watch(path, args)
    try:
        return watch.current()
    finally:
        watch.close()


def append(name: str) -> Any:
    def update(store: LocalStore, args: dict[str, Any]) -> None:
        store.set_query("messages:list", {}, [*store.get_query("messages:list"), name])

    return update


def test_an_update_is_shown_before_anything_is_sent_and_gets_the_arguments() -> None:
    world = connected()
    seen: list[Any] = []

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        seen.append(args)
        assert world.take() == []
        store.set_query("messages:list", {}, [])

    send(world, update, {"body": "hi"})
    assert seen == [{"body": "hi"}]
    assert shown(world).value == []
    assert [message["type"] for message in world.take()] == ["Mutation"]


def test_updates_pile_up_and_are_played_again_over_new_results() -> None:
    world = connected()
    first, _ = send(world, append("b"))
    send(world, append("c"))
    assert shown(world).value == ["a", "b", "c"]
    world.succeed(first, ts=7)
    assert shown(world).value == ["a", "b", "c"]  # its server's result is not here yet
    world.answer(lambda path, args: ["x", "a", "b"] if path == "messages:list" else ..., ts=7)
    assert shown(world).value == ["x", "a", "b", "c"]


def test_an_update_is_gone_when_its_mutation_fails_and_the_listener_hears_before_the_caller() -> None:
    world = connected()
    heard: list[Any] = []
    world.session.watch("messages:list").on_update(lambda state: heard.append(state.value))
    world.session.request("mutation", "messages:send", None, heard.append, append("b"))
    world.fail(0)
    assert heard[:2] == [["a", "b"], ["a"]]
    assert len(heard) == 3


def test_what_a_store_gives_is_a_copy() -> None:
    world = connected()

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        messages = store.get_query("messages:list")
        messages.append("never set")
        args["body"] = "changed"

    send(world, update, {"body": "hi"})
    assert shown(world).value == ["a"]


def test_a_query_that_is_loading_or_failed_or_unknown_has_the_default() -> None:
    world = connected()
    world.session.watch("messages:failing")
    world.answer(lambda path, args: ValueError("no") if path == "messages:failing" else ...)
    world.session.watch("messages:loading")
    seen: list[Any] = []

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        for path in ("messages:failing", "messages:loading", "messages:unknown"):
            seen.append(store.get_query(path, {}, default=UNDEFINED))
        seen.append(store.get_query("messages:unknown"))

    send(world, update)
    assert seen == [UNDEFINED, UNDEFINED, UNDEFINED, None]


def test_all_queries_of_a_function_come_with_their_arguments() -> None:
    world = connected()
    for page in (1, 2):
        world.session.watch("messages:page", {"page": page})
    world.answer(lambda path, args: [args["page"]] if args.get("page") == 1 else ...)
    seen: list[Any] = []

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        seen.extend(store.get_all_queries("messages:page", default="loading"))
        for page, value in store.get_all_queries("messages:page"):
            if value is not None:
                store.set_query("messages:page", page, [*value, "new"])

    send(world, update)
    assert seen == [({"page": 1}, [1]), ({"page": 2}, "loading")]
    assert shown(world, "messages:page", {"page": 1}).value == [1, "new"]


def test_undefined_shows_a_query_as_loading() -> None:
    world = connected()
    send(world, lambda store, args: store.set_query("messages:list", {}, UNDEFINED))
    assert shown(world).is_loading
    world.fail(0)
    assert shown(world).value == ["a"]


def test_several_queries_change_in_one_step() -> None:
    world = connected()
    moments: list[Any] = []
    messages, count = world.session.watch("messages:list"), world.session.watch("messages:count")
    for watch in (messages, count):
        watch.on_update(lambda state: moments.append((messages.current().value, count.current().value)))

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        store.set_query("messages:list", {}, ["a", "b"])
        store.set_query("messages:count", {}, 2)

    send(world, update)
    world.fail(0)
    assert moments == [(["a", "b"], 2), (["a", "b"], 2), (["a"], 1), (["a"], 1)]


def test_an_update_that_fails_at_first_is_raised_and_nothing_is_sent() -> None:
    world = connected()

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        store.set_query("messages:list", {}, ["half"])
        raise LookupError("no such row")

    with pytest.raises(LookupError):
        send(world, update)
    assert shown(world).value == ["a"]
    assert world.take() == []
    send(world, append("b"))
    assert shown(world).value == ["a", "b"]


def test_an_update_that_could_show_its_change_only_later_is_refused() -> None:
    world = connected()

    async def update(store: LocalStore, args: dict[str, Any]) -> None:
        store.set_query("messages:list", {}, [])

    with pytest.raises(ClientError, match="must be a plain function"):
        send(world, update)
    assert world.take() == []
    assert shown(world).value == ["a"]


def test_an_update_must_not_call_functions() -> None:
    world = connected()

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        world.session.request("mutation", "messages:seen", {}, lambda outcome: None)

    with pytest.raises(ClientError, match="no effect but on the store"):
        send(world, update)
    assert world.take() == []
    send(world, append("b"))
    assert shown(world).value == ["a", "b"]


def test_an_update_that_fails_on_newer_results_is_dropped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = connected()

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        store.set_query("messages:list", {}, [store.get_query("messages:list")[0].upper()])

    send(world, update)
    send(world, append("b"))
    with caplog.at_level(logging.ERROR):
        world.answer(lambda path, args: [] if path == "messages:list" else ...)
    assert shown(world).value == ["b"]
    assert "An optimistic update failed" in caplog.text


def test_a_value_that_equals_the_servers_is_no_news_when_the_update_ends() -> None:
    world = connected()
    news: list[Any] = []
    world.session.watch("messages:list").on_update(lambda state: news.append(state.value))
    request_id, _ = send(world, append("b"))
    world.succeed(request_id, ts=5)
    world.answer(lambda path, args: ["a", "b"] if path == "messages:list" else ..., ts=5)
    assert news == [["a", "b"]]
