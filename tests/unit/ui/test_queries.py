"""A live query as signals: statuses, arguments that change, errors, callbacks."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from reaktiv import Effect, Signal

from parabola.client import CallFailed, QueryState
from parabola.client.states import LOADING
from parabola.ui import inject_queries, inject_query, skip
from tests.unit.ui.memory_link import MemoryLink

pytestmark = pytest.mark.usefixtures("provided")


def failing(text: str) -> QueryState:
    return QueryState("error", error=CallFailed(text))


def test_a_query_is_pending_until_its_first_result(link: MemoryLink) -> None:
    query = inject_query("todos:list")
    assert (query.status(), query.is_loading(), query.is_refetching(), query.data()) == ("pending", True, False, None)
    link.answer("todos:list", {}, ["bread"])
    assert (query.status(), query.is_loading(), query.is_success(), query.data()) == (
        "success",
        False,
        True,
        ["bread"],
    )


def test_each_new_result_reaches_the_signals(link: MemoryLink) -> None:
    query = inject_query("todos:list")
    seen: list[Any] = []
    effect = Effect(lambda: seen.append(query.data()))
    for count in range(3):
        link.answer("todos:list", {}, count)
    assert seen == [None, 0, 1, 2]
    effect.dispose()


def test_a_result_that_is_at_hand_is_shown_at_once(link: MemoryLink) -> None:
    link.answer("todos:list", {}, ["bread"])
    assert inject_query("todos:list").status() == "success"


def test_none_is_a_result_like_any_other(link: MemoryLink) -> None:
    link.answer("users:me", {}, None)
    query = inject_query("users:me")
    assert query.is_success()
    query.refetch()
    link.states.clear()
    query.refetch()
    assert query.is_refetching()


def test_a_changed_signal_moves_the_subscription_without_a_gap(link: MemoryLink) -> None:
    room = Signal("a")
    query = inject_query("messages:list", lambda: {"room": room()})
    link.answer("messages:list", {"room": "a"}, ["of a"])
    link.history.clear()
    room.set("b")
    assert [what for what, _ in link.history] == ["open", "close"]
    assert (query.data(), query.status(), query.is_refetching()) == (["of a"], "pending", True)
    link.answer("messages:list", {"room": "b"}, ["of b"])
    assert (query.data(), query.status()) == (["of b"], "success")
    assert len(link.watches) == 1


def test_a_signal_that_leaves_the_arguments_as_they_are_moves_nothing(link: MemoryLink) -> None:
    count = Signal(1)
    query = inject_query("todos:list", lambda: {"is_many": count() > 10})
    link.answer("todos:list", {"is_many": False}, [])
    link.history.clear()
    count.set(2)
    assert link.history == []
    assert query.is_success()


def test_arguments_that_differ_only_in_kind_are_different(link: MemoryLink) -> None:
    flag: Signal[Any] = Signal(1)
    inject_query("todos:list", lambda: {"flag": flag()})
    flag.set(True)
    assert link.history == [("open", "todos:list"), ("open", "todos:list"), ("close", "todos:list")]


def test_what_an_older_subscription_reports_is_not_shown(link: MemoryLink) -> None:
    room = Signal("a")
    query = inject_query("messages:list", lambda: {"room": room()})
    (old,) = link.watches
    listeners = list(old.listeners)
    room.set("b")
    for listener in listeners:
        listener(QueryState("success", "too late"))
    assert query.data() is None
    assert query.is_loading()


def test_a_skipped_query_is_not_subscribed_and_has_no_data(link: MemoryLink) -> None:
    chosen: Signal[str | None] = Signal("x")
    query = inject_query("items:get", lambda: {"id": chosen()} if chosen() else skip)
    link.answer("items:get", {"id": "x"}, "item x")
    chosen.set(None)
    assert (query.status(), query.is_skipped(), query.data(), query.is_loading()) == ("skipped", True, None, False)
    assert link.watches == []
    chosen.set("x")
    assert (query.status(), query.data()) == ("success", "item x")


def test_skip_may_be_given_as_it_is(link: MemoryLink) -> None:
    assert inject_query("items:get", skip).is_skipped()


def test_an_error_is_a_signal_beside_the_last_data(link: MemoryLink) -> None:
    query = inject_query("todos:list")
    link.answer("todos:list", {}, ["bread"])
    link.show("todos:list", {}, failing("out of order"))
    assert query.status() == "error"
    assert str(query.error()) == "out of order"
    assert query.data() == ["bread"]
    assert not query.is_success()
    link.answer("todos:list", {}, [])
    assert (query.status(), query.error(), query.data()) == ("success", None, [])


def test_a_failing_function_for_arguments_is_an_error_and_may_recover(link: MemoryLink) -> None:
    chosen: Signal[Any] = Signal({})
    errors: list[Exception] = []
    query = inject_query("items:get", lambda: {"id": chosen()["id"]}, on_error=errors.append)
    assert isinstance(query.error(), KeyError)
    assert errors == [query.error()]
    chosen.set({"id": "x"})
    link.answer("items:get", {"id": "x"}, "item x")
    assert (query.status(), query.data(), query.error()) == ("success", "item x", None)


def test_arguments_that_are_no_values_are_an_error(link: MemoryLink) -> None:
    query = inject_query("items:get", {"id": object()})
    assert query.status() == "error"
    assert link.watches == []


def test_a_query_that_cannot_be_asked_is_an_error(link: MemoryLink) -> None:
    assert str(inject_query("no such").error()) == "no such function"


def test_refetch_asks_anew_and_keeps_what_is_shown(link: MemoryLink) -> None:
    query = inject_query("todos:list")
    link.answer("todos:list", {}, ["bread"])
    link.history.clear()
    link.states.clear()
    query.refetch()
    assert [what for what, _ in link.history] == ["close", "open"]
    assert (query.data(), query.status(), query.is_refetching()) == (["bread"], "pending", True)
    link.answer("todos:list", {}, ["milk"])
    assert (query.data(), query.is_refetching()) == (["milk"], False)


def test_a_refetch_of_a_skipped_query_does_nothing(link: MemoryLink) -> None:
    query = inject_query("todos:list", skip)
    query.refetch()
    assert query.is_skipped()


def test_placeholder_data_is_shown_while_the_first_result_is_loading(link: MemoryLink) -> None:
    query = inject_query("todos:list", placeholder_data=["…"])
    assert (query.data(), query.status(), query.is_placeholder_data()) == (["…"], "pending", True)
    assert not query.is_refetching()
    link.answer("todos:list", {}, ["bread"])
    assert (query.data(), query.is_placeholder_data()) == (["bread"], False)


def test_placeholder_data_may_depend_on_the_arguments(link: MemoryLink) -> None:
    chosen = Signal("x")
    query = inject_query("items:get", lambda: {"id": chosen()}, placeholder_data=lambda args: f"draft of {args['id']}")
    assert query.data() == "draft of x"
    chosen.set("y")
    assert query.data() == "draft of y"
    link.answer("items:get", {"id": "y"}, "item y")
    chosen.set("z")
    assert query.data() == "item y", "a real result is shown rather than a placeholder"


def test_placeholder_data_is_never_shown_beside_an_error(link: MemoryLink) -> None:
    query = inject_query("todos:list", placeholder_data=["…"])
    link.show("todos:list", {}, failing("no"))
    assert (query.data(), query.is_placeholder_data(), query.status()) == (None, False, "error")


def test_the_callbacks_hear_of_results_and_errors_and_not_of_placeholders(link: MemoryLink) -> None:
    told: list[Any] = []
    inject_query(
        "todos:list", on_success=told.append, on_error=lambda error: told.append(str(error)), placeholder_data=0
    )
    link.answer("todos:list", {}, 1)
    link.show("todos:list", {}, failing("no"))
    link.answer("todos:list", {}, 2)
    assert told == [1, "no", 2]


def test_a_callback_that_fails_is_logged_and_harms_nothing(link: MemoryLink, caplog: pytest.LogCaptureFixture) -> None:
    def fail(data: Any) -> None:
        raise RuntimeError("mine")

    query = inject_query("todos:list", on_success=fail)
    link.answer("todos:list", {}, 1)
    assert query.data() == 1
    assert "A callback of a query failed" in caplog.text


def test_an_effect_sees_a_move_in_one_step_when_the_result_is_at_hand(link: MemoryLink) -> None:
    room = Signal("a")
    link.answer("messages:list", {"room": "a"}, "of a")
    link.answer("messages:list", {"room": "b"}, "of b")
    query = inject_query("messages:list", lambda: {"room": room()})
    seen: list[Any] = []
    effect = Effect(lambda: seen.append((query.data(), query.status())))
    room.set("b")
    assert seen == [("of a", "success"), ("of b", "success")]
    effect.dispose()


def test_a_query_that_an_optimistic_update_sets_to_loading_is_pending_with_its_data(link: MemoryLink) -> None:
    query = inject_query("todos:list")
    link.answer("todos:list", {}, 1)
    link.show("todos:list", {}, LOADING)
    assert (query.status(), query.data()) == ("pending", 1)


def test_a_closed_query_shows_its_last_data_and_follows_no_more(link: MemoryLink) -> None:
    room = Signal("a")
    query = inject_query("messages:list", lambda: {"room": room()})
    link.answer("messages:list", {"room": "a"}, "of a")
    query.close()
    assert link.watches == []
    room.set("b")
    assert link.watches == []
    assert query.data() == "of a"


def test_arguments_may_change_in_any_thread_and_the_subscription_moves_at_home(link: MemoryLink) -> None:
    room = Signal("a")
    query = inject_query("messages:list", lambda: {"room": room()})
    link.answer("messages:list", {"room": "a"}, "of a")
    thread = threading.Thread(target=lambda: room.set("b"))
    thread.start()
    thread.join()
    assert query.is_refetching(), "it is pending at once"
    assert link.history == [("open", "messages:list")], "but moves at home only"
    link.answer("messages:list", {"room": "a"}, "of a, too late")
    assert query.data() == "of a"
    link.do_posted()
    link.answer("messages:list", {"room": "b"}, "of b")
    assert query.data() == "of b"
    assert len(link.watches) == 1


def test_several_queries_have_a_key_each(link: MemoryLink) -> None:
    chosen: Signal[str | None] = Signal(None)
    queries = inject_queries(
        lambda: {
            "todos": ("todos:list", {"count": 10}),
            "user": ("users:get", {"id": chosen()}) if chosen() else skip,
        }
    )
    assert queries.statuses() == {"todos": "pending", "user": "skipped"}
    assert queries.is_loading()
    link.answer("todos:list", {"count": 10}, ["bread"])
    assert queries.results() == {"todos": ["bread"], "user": None}
    assert not queries.is_loading()
    link.history.clear()
    chosen.set("ann")
    assert link.history == [("open", "users:get")], "the others stay as they are"
    link.show("users:get", {"id": "ann"}, failing("no such user"))
    assert queries.statuses() == {"todos": "success", "user": "error"}
    assert str(queries.errors()["user"]) == "no such user"


def test_a_key_that_is_gone_ends_its_query(link: MemoryLink) -> None:
    keys = Signal(("a", "b"))
    told: list[Any] = []
    queries = inject_queries(
        lambda: {key: ("items:get", {"id": key}) for key in keys()},
        on_success=lambda key, data: told.append((key, data)),
    )
    link.answer("items:get", {"id": "b"}, "item b")
    keys.set(("b", "c"))
    assert queries.results() == {"b": "item b", "c": None}
    assert len(link.watches) == 2
    assert told == [("b", "item b")]
    link.history.clear()
    queries.refetch()
    assert [what for what, _ in link.history] == ["close", "open"] * 2


@pytest.mark.parametrize("asked", ["todos:list", ("todos:list",), {"query": "todos:list", "args": {}}, None], ids=repr)
def test_what_is_no_query_is_an_error_of_its_key_and_of_no_other(link: MemoryLink, asked: Any) -> None:
    queries = inject_queries(lambda: {"bad": asked, "good": ("todos:list", None)})
    assert queries.statuses() == {"bad": "error", "good": "pending"}
    assert "Write (reference, arguments), as in" in str(queries.errors()["bad"])


@pytest.mark.parametrize("args", ["home", 5, ["home"]], ids=repr)
def test_arguments_without_names_are_an_error_that_shows_how_to_give_them(link: MemoryLink, args: Any) -> None:
    query = inject_query("todos:list", lambda: args)
    assert query.status() == "error"
    assert "given by name, as in" in str(query.error())
