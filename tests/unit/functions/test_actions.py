"""Actions and HTTP actions (semantics 9, 10, 21)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from parabola import (
    ConvexError,
    HttpRouter,
    Request,
    Response,
    action,
    http_action,
    internal_action,
    internal_mutation,
    internal_query,
    v,
)
from parabola.functions.loader import Deployment
from parabola.limits import Limits
from tests.unit.functions.harness import ALICE, Engine, message_of, value_of


@internal_query
async def names(ctx: Any):
    return [doc["name"] for doc in await ctx.db.query("t").collect()]


@internal_mutation
async def add(ctx: Any, name: str):
    return await ctx.db.insert("t", {"name": name})


@internal_mutation
async def refuse(ctx: Any):
    await ctx.db.insert("t", {"name": "undone"})
    raise ConvexError({"why": ["because", 1]})


@internal_query
async def who(ctx: Any):
    identity = await ctx.auth.get_user_identity()
    return identity and identity["name"]


@internal_action
async def double(ctx: Any, n: int):
    return n * 2


HELPERS = {"t:names": names, "t:add": add, "t:refuse": refuse, "t:who": who, "t:double": double}


def engine_with(handler: Any, **options: Any) -> Engine:
    definition = handler if hasattr(handler, "kind") else action(handler)
    return Engine({**HELPERS, "a:it": definition}, **options)


async def run(handler: Any, args: Any = None, **options: Any) -> Any:
    return value_of(await engine_with(handler).action("a:it", args, **options))


async def test_an_action_calls_queries_mutations_and_actions() -> None:
    async def it(ctx: Any):
        await ctx.run_mutation("t:add", {"name": "a"})
        doubled = await ctx.run_action("t:double", {"n": 21})
        return [await ctx.run_query("t:names"), doubled]

    assert await run(it) == [["a"], 42]


async def test_concurrent_mutations_of_one_action_all_commit_in_the_order_of_their_start() -> None:
    async def it(ctx: Any):
        await asyncio.gather(*(ctx.run_mutation("t:add", {"name": name}) for name in "abc"))
        return len(await ctx.run_query("t:names"))

    assert await run(it) == 3


async def test_a_convex_error_of_a_callee_arrives_with_its_data() -> None:
    async def it(ctx: Any):
        try:
            await ctx.run_mutation("t:refuse")
        except ConvexError as error:
            return [error.data, await ctx.run_query("t:names")]

    assert await run(it) == [{"why": ["because", 1]}, []]


async def test_arguments_of_what_an_action_calls_are_validated() -> None:
    async def it(ctx: Any):
        await ctx.run_mutation("t:add", {"name": 1})

    outcome = await engine_with(it).action("a:it")
    assert message_of(outcome).startswith("Uncaught ArgumentValidationError: Value does not match validator.")


async def test_the_identity_passes_to_everything_an_action_calls() -> None:
    async def it(ctx: Any):
        own = await ctx.auth.get_user_identity()
        return [own["name"], await ctx.run_query("t:who")]

    assert await run(it, identity=ALICE) == ["Alice", "Alice"]


async def test_a_result_of_a_query_is_the_actions_own() -> None:
    async def it(ctx: Any):
        await ctx.run_mutation("t:add", {"name": "a"})
        first = await ctx.run_query("t:names")
        first.append("changed")
        return await ctx.run_query("t:names")

    assert await run(it) == ["a"]


async def test_an_operation_that_was_not_awaited_is_warned_about() -> None:
    async def it(ctx: Any):
        ctx.run_mutation("t:add", {"name": "a"})

    outcome = await engine_with(it).action("a:it")
    assert outcome.log_lines == [
        "[WARN] '1 unawaited operation: [run_mutation]. Async operations should be awaited or they might not run.'"
    ]


async def test_an_action_goes_on_when_the_caller_stops_waiting() -> None:
    go = asyncio.Event()

    async def it(ctx: Any):
        await go.wait()
        await ctx.run_mutation("t:add", {"name": "late"})

    engine = engine_with(it)
    caller = asyncio.create_task(engine.action("a:it"))
    await asyncio.sleep(0)
    caller.cancel()
    go.set()
    await engine.runner.close()
    assert engine.rows("t") == [{"name": "late"}]


async def test_an_action_is_stopped_at_its_time_limit() -> None:
    async def it(ctx: Any):
        await asyncio.sleep(10)

    outcome = await engine_with(it, limits=Limits(action_time_s=0.01)).action("a:it")
    assert "Function execution timed out (maximum duration: 0.01s)" in message_of(outcome)


async def test_an_error_of_an_action_is_its_outcome() -> None:
    async def it(ctx: Any):
        raise ValueError("boom")

    outcome = await engine_with(it).action("a:it")
    assert message_of(outcome) == "Uncaught ValueError: boom"


async def test_arguments_and_results_of_actions_are_validated() -> None:
    @action(args={"n": v.number()}, returns=v.string())
    async def it(ctx: Any, n: float):
        return n

    engine = engine_with(it)
    assert message_of(await engine.action("a:it", {"n": "x"})).startswith("ArgumentValidationError: ")
    assert message_of(await engine.action("a:it", {"n": 1})).startswith("ReturnsValidationError: ")


async def test_an_action_has_no_database_and_says_where_to_look() -> None:
    async def it(ctx: Any):
        await ctx.db.get("x")

    assert "An action has no ctx.db" in message_of(await engine_with(it).action("a:it"))


async def test_lines_of_an_action_are_its_own_also_when_several_run() -> None:
    async def it(ctx: Any, name: str):
        await asyncio.sleep(0)
        print("I am", name)
        logging.getLogger("somewhere").warning("careful, %s", name)

    engine = engine_with(it)
    a, b = await asyncio.gather(engine.action("a:it", {"name": "a"}), engine.action("a:it", {"name": "b"}))
    assert a.log_lines == ["[LOG] 'I am' 'a'", "[WARN] 'careful, a'"]
    assert b.log_lines == ["[LOG] 'I am' 'b'", "[WARN] 'careful, b'"]


# HTTP actions


http = HttpRouter()


@http.route(path="/echo", method="POST")
@http_action
async def echo(ctx: Any, request: Request) -> Response:
    return Response.json({"got": await request.json(), "names": await ctx.run_query("t:names")}, status=201)


@http.route(path_prefix="/bla/", method="GET")
async def prefixed(ctx: Any, request: Request) -> Response:
    return Response(f"{request.path} {request.query['arg']} {(await ctx.meta.get_function_metadata())['name']}")


@http.route(path="/fail", method="GET")
async def fail(ctx: Any, request: Request) -> Response:
    raise ConvexError({"a": 1})


@http.route(path="/stream", method="GET")
async def stream(ctx: Any, request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first "
        yield str(await ctx.run_query("t:names")).encode()

    return Response(chunks())


@http.route(path="/wrong", method="GET")
async def wrong(ctx: Any, request: Request) -> str:
    return "text"


@pytest.fixture
def web() -> Engine:
    return Engine(Deployment(HELPERS, http=http))


async def test_an_http_action_reads_the_body_and_answers_json(web: Engine) -> None:
    request = Request("http://x/echo", method="POST", body='{"a":1}')
    response = await web.runner.run_http_action(request)
    assert (response.status, response.body) == (201, b'{"got":{"a":1},"names":[]}')
    assert response.headers["Content-Type"] == "application/json"


async def test_a_prefix_route_sees_the_whole_path_and_the_query(web: Engine) -> None:
    response = await web.runner.run_http_action(Request("http://x/bla/hello?arg=1&arg=2"))
    assert response.body == b"/bla/hello ['1', '2'] http"


async def test_no_route_is_404_and_so_is_no_router(web: Engine) -> None:
    missing = await web.runner.run_http_action(Request("http://x/nothing"))
    assert (missing.status, missing.body) == (404, b"No matching routes found")
    disabled = await Engine({}).runner.run_http_action(Request("http://x/echo"))
    assert (disabled.status, disabled.body) == (404, b"This Convex deployment does not have HTTP actions enabled.")


async def test_an_uncaught_error_is_a_500_that_production_keeps_short(web: Engine) -> None:
    request = Request("http://x/fail")
    shown = await web.runner.run_http_action(request, request_id="ab")
    assert shown.status == 500
    assert isinstance(shown.body, bytes)
    assert shown.body.startswith(b'{"code":"[Request ID: ab] Server Error: ConvexError: {\\"a\\":1}","trace":"Uncaught')
    hidden = await web.runner.run_http_action(request, request_id="ab", redact=True)
    assert hidden.body == b'{"code":"[Request ID: ab] Server Error","data":{"a":1}}'


async def test_a_streamed_body_may_go_on_using_ctx(web: Engine) -> None:
    response = await web.runner.run_http_action(Request("http://x/stream"))
    assert not isinstance(response.body, bytes)
    assert b"".join([chunk async for chunk in response.body]) == b"first []"


async def test_what_is_no_response_is_explained(web: Engine) -> None:
    response = await web.runner.run_http_action(Request("http://x/wrong"))
    assert isinstance(response.body, bytes)
    assert b"The HTTP action wrong returned str. Return a Response" in response.body
