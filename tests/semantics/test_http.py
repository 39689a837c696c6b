"""Semantics 21, "HTTP", and the line on HTTP actions of "Metadata"."""

from __future__ import annotations

from typing import Any

from parabola import ActionCtx, HttpRouter, QueryCtx, Request, Response, http_action, internal, internal_query
from parabola.testing import TestBackend


@internal_query
async def greeting(ctx: QueryCtx, name: str) -> dict[str, Any]:
    return {"hello": name}


@http_action
async def echo_query(ctx: ActionCtx, request: Request) -> Response:
    return Response(request.query["arg"][0])


@http_action
async def echo_json(ctx: ActionCtx, request: Request) -> Response:
    return Response.json({"got": await request.json()})


@http_action
async def path_of(ctx: ActionCtx, request: Request) -> Response:
    return Response(request.path)


@http_action
async def greet(ctx: ActionCtx, request: Request) -> Response:
    return Response.json(await ctx.run_query(internal.m.greeting, {"name": "Ada"}))


@http_action
async def who_am_i(ctx: ActionCtx, request: Request) -> Response:
    return Response.json(await ctx.meta.get_function_metadata())


def backend() -> TestBackend:
    http = HttpRouter()
    http.route(path="/foo", method="GET", handler=echo_query)
    http.route(path="/json", method="POST", handler=echo_json)
    http.route(path_prefix="/bla/", method="GET", handler=path_of)
    http.route(path="/greet", method="GET", handler=greet)
    http.route(path="/meta", method="GET", handler=who_am_i)
    return TestBackend({"m": {"greeting": greeting}}, http=http)


async def test_a_get_is_routed_by_its_path_and_the_handler_reads_the_query_string() -> None:
    assert (await backend().fetch("/foo?arg=hi%20there")).text == "hi there"


async def test_a_post_handler_reads_a_json_body() -> None:
    response = await backend().fetch("/json", method="POST", body='{"a": [1, null]}')
    assert response.json() == {"got": {"a": [1, None]}}


async def test_a_path_prefix_serves_what_is_below_it_and_the_handler_sees_the_whole_path() -> None:
    t = backend()
    assert (await t.fetch("/bla/hello")).text == "/bla/hello"
    assert (await t.fetch("/bla")).status_code == 404


async def test_an_http_action_runs_an_internal_query_and_answers_json() -> None:
    assert (await backend().fetch("/greet")).json() == {"hello": "Ada"}


async def test_an_http_action_is_an_action_named_http() -> None:
    assert (await backend().fetch("/meta")).json() == {
        "name": "http",
        "componentPath": "",
        "type": "action",
        "visibility": "public",
    }
