"""Decorators mark a function and leave it callable (semantics 3.1, 3.4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola import (
    action,
    http_action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    pagination_opts_validator,
    pagination_result_validator,
    query,
    v,
)
from parabola.errors import SchemaError


@pytest.mark.parametrize(
    ("decorator", "kind", "visibility"),
    [
        (query, "query", "public"),
        (mutation, "mutation", "public"),
        (action, "action", "public"),
        (internal_query, "query", "internal"),
        (internal_mutation, "mutation", "internal"),
        (internal_action, "action", "internal"),
        (http_action, "http", "public"),
    ],
)
def test_each_decorator_gives_its_kind_and_visibility(decorator: Any, kind: str, visibility: str) -> None:
    @decorator
    async def f(ctx: Any) -> None:
        """What f does."""

    assert (f.kind, f.visibility, f.__name__, f.__doc__) == (kind, visibility, "f", "What f does.")


def test_a_decorated_function_is_still_the_helper_it_was() -> None:
    @query(args={"n": v.number()}, returns=v.string())
    async def doubled(ctx: Any, n: int) -> int:
        return n * 2

    assert asyncio.run(doubled(None, n=2)) == 4


def test_arguments_are_declared_by_a_map_or_an_object_or_any() -> None:
    async def f(ctx: Any, args: Any) -> None: ...

    assert query(args={"a": v.string()})(f).args == v.object({"a": v.string()})
    assert query(args=v.object({"a": v.string()}))(f).args == v.object({"a": v.string()})
    assert query(args=v.any())(f).args == v.any()
    assert query(returns={"a": v.string()})(f).returns == v.object({"a": v.string()})


def test_a_type_in_the_place_of_a_validator_is_answered_with_the_validator() -> None:
    wrong: Any = bool
    with pytest.raises(SchemaError, match=r"returns= takes a validator.*Write v\.boolean\(\) instead of bool"):
        query(returns=wrong)
    with pytest.raises(SchemaError, match=r"args= takes a dict of validators\. Write v\.boolean\(\)"):
        query(args=wrong)
    with pytest.raises(SchemaError, match=r'Field "done" was given bool\. Write v\.boolean\(\) instead of bool'):
        query(args={"done": wrong})


def test_arguments_that_are_no_object_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match="The arguments of a call are always one object"):
        query(args=v.string())


def test_annotations_are_resolved_on_first_use_and_may_name_what_comes_later() -> None:
    @query
    async def f(ctx: Any, later: Later) -> None: ...

    with pytest.raises(Exception, match="Later"):
        _ = f.args


class Later:
    """No argument type, for the test above."""


def test_a_handler_with_context_only_accepts_any_arguments() -> None:
    @query
    async def f(ctx: Any): ...

    assert (f.signature.args, f.signature.style) == (None, "nothing")


def test_a_handler_without_context_is_refused_saying_what_to_write() -> None:
    @query
    async def f() -> None: ...

    with pytest.raises(TypeError, match=r"write `async def f\(ctx, …\)`"):
        _ = f.signature


def test_what_is_not_a_function_is_refused() -> None:
    with pytest.raises(TypeError, match="is not a function"):
        query(1)  # type: ignore[call-overload]


def test_the_pagination_validators_have_the_fields_that_clients_send_and_expect() -> None:
    assert set(pagination_opts_validator.fields) == {
        "numItems",
        "cursor",
        "endCursor",
        "id",
        "maximumRowsRead",
        "maximumBytesRead",
    }
    assert set(pagination_result_validator(v.any()).fields) == {
        "page",
        "isDone",
        "continueCursor",
        "splitCursor",
        "pageStatus",
    }


def test_one_decorator_is_enough() -> None:
    @mutation
    async def f(ctx: Any) -> None: ...

    with pytest.raises(TypeError, match="which is a mutation already"):
        query(f)


def test_a_class_is_no_handler() -> None:
    class Handler: ...

    with pytest.raises(TypeError, match="@query was given the class"):
        query(Handler)


def named_like_a_builtin() -> Any:
    async def list(ctx: Any, channel: str) -> None: ...

    return query(list)


@pytest.mark.parametrize(
    "use",
    [
        lambda list: list(range(3)),
        lambda list: list("abc"),
        lambda list: list({"a": 1}.items()),
        lambda list: list(),
        lambda list: list[str],
        lambda list: list | None,
        lambda list: None | list,
        lambda list: isinstance([], list),
        lambda list: [each for each in list],
    ],
)
def test_a_function_that_hides_a_builtin_says_so_where_the_builtin_was_meant(use: Any) -> None:
    function = named_like_a_builtin()
    function.path = "messages:list"
    with pytest.raises(TypeError, match=r"`list` here is your query messages:list, not Python's builtin: .* `builtins"):
        use(function)


def test_an_annotation_that_means_the_hidden_builtin_is_refused_by_name() -> None:
    list = named_like_a_builtin()

    async def bare(ctx: Any, a: Any) -> None: ...

    bare.__annotations__["a"] = list
    with pytest.raises(Exception, match="`list` here is your query list, not Python's builtin"):
        _ = query(bare).args


def test_calling_a_function_without_its_context_says_where_it_belongs() -> None:
    @mutation
    async def send(ctx: Any, body: str) -> None: ...

    send.path = "messages:send"
    with pytest.raises(
        TypeError, match=r"messages:send was called with str in the place of its context. Write `send\("
    ):
        send("hello")
    with pytest.raises(TypeError, match=r"`send` here is your mutation messages:send. Call it as `send\(ctx, …\)`."):
        send[0]


def test_a_test_may_pass_what_it_likes_for_the_context() -> None:
    class Fake:
        pass

    for fake in (Fake(), None):
        asyncio.run(named_like_a_builtin()(fake, channel="a"))
