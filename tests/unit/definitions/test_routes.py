"""HTTP routes (semantics 10.1)."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import HttpRouter, Response, http_action, query
from parabola.definitions.routes import RouteError


@http_action
async def exact(ctx: Any, request: Any) -> Response:
    return Response()


@http_action
async def short(ctx: Any, request: Any) -> Response:
    return Response()


@http_action
async def long(ctx: Any, request: Any) -> Response:
    return Response()


@pytest.fixture
def router() -> HttpRouter:
    router = HttpRouter()
    router.route(path="/a/b", method="GET", handler=exact)
    router.route(path_prefix="/a/", method="GET", handler=short)
    router.route(path_prefix="/a/b/", method="GET", handler=long)
    router.route(path_prefix="/a/", method="POST", handler=short)
    return router


@pytest.mark.parametrize(
    ("path", "method", "found"),
    [
        ("/a/b", "GET", (exact, "GET", "/a/b")),
        ("/a/b", "HEAD", (exact, "GET", "/a/b")),
        ("/a/b", "POST", (short, "POST", "/a/*")),
        ("/a/b/", "GET", (long, "GET", "/a/b/*")),
        ("/a/b/c/d", "GET", (long, "GET", "/a/b/*")),
        ("/a/bc", "GET", (short, "GET", "/a/*")),
        ("/a/", "GET", (short, "GET", "/a/*")),
        ("/a", "GET", None),
        ("/A/b", "GET", None),
        ("/a/b", "PUT", None),
    ],
)
def test_an_exact_path_wins_and_then_the_longest_prefix_for_the_method(
    router: HttpRouter, path: str, method: str, found: Any
) -> None:
    assert router.lookup(path, method) == found


def test_routes_are_listed_exact_ones_first(router: HttpRouter) -> None:
    assert [route[:2] for route in router.get_routes()] == [
        ("/a/b", "GET"),
        ("/a/*", "GET"),
        ("/a/*", "POST"),
        ("/a/b/*", "GET"),
    ]


def test_a_plain_function_becomes_an_http_action() -> None:
    router = HttpRouter()

    @router.route(path="/x", method="GET")
    async def handler(ctx: Any, request: Any) -> Response:
        return Response()

    found = router.lookup("/x", "GET")
    assert found is not None
    assert (found[0].kind, found[0].handler) == ("http", handler)


@query
async def a_query(ctx: Any) -> None: ...


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"path": "/x", "method": "GET", "handler": None}, "route requires handler"),
        ({"path": "/x", "handler": exact}, "route requires method"),
        (
            {"path": "/x", "method": "HEAD", "handler": exact},
            "'HEAD' is not an allowed HTTP method (like GET, POST, PUT etc.)",
        ),
        ({"path": "x", "method": "GET", "handler": exact}, "path 'x' does not start with a /"),
        ({"path": "/a/b", "method": "GET", "handler": exact}, "Path '/a/b' for method GET already in use"),
        ({"path_prefix": "x/", "method": "GET", "handler": exact}, "pathPrefix 'x/' does not start with a /"),
        ({"path_prefix": "/x", "method": "GET", "handler": exact}, "pathPrefix /x must end with a /"),
        ({"path_prefix": "/a/", "method": "GET", "handler": exact}, "GET pathPrefix /a/ is already defined"),
        ({"path": "/.files/x", "method": "GET", "handler": exact}, "path '/.files/x' is reserved"),
        (
            {"path": "/x", "path_prefix": "/x/", "method": "GET", "handler": exact},
            "Invalid httpRouter route: cannot contain both 'path' and 'pathPrefix'",
        ),
        (
            {"method": "GET", "handler": exact},
            "Invalid httpRouter route entry: must contain either field 'path' or 'pathPrefix'",
        ),
    ],
)
def test_a_route_that_cannot_be_is_refused(router: HttpRouter, options: dict[str, Any], text: str) -> None:
    with pytest.raises(RouteError) as failure:
        router.route(**options)
    assert str(failure.value) == text


def test_a_route_takes_no_other_kind_of_function() -> None:
    with pytest.raises(RouteError, match="The handler a_query is a query"):
        HttpRouter().route(path="/x", method="GET", handler=a_query)
