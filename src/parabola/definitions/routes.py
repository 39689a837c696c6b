"""Which HTTP requests go to which HTTP action: what `http.py` declares (semantics 10.1).

An exact path for the method wins, otherwise the longest matching prefix for the method. An exact path with another
method does not block a prefix. HEAD is served by the GET route.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from parabola.definitions.functions import FunctionDefinition, http_action

ROUTABLE_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

HttpHandler = FunctionDefinition[Any, Any]
F = TypeVar("F")
_MISSING: Final = object()


class Route(NamedTuple):
    """One registered route. `route` is the path, or the prefix followed by `*`."""

    route: str
    method: str
    handler: HttpHandler


class RouteError(ValueError):
    """A route that cannot be registered."""


class HttpRouter:
    """The routes of a backend: `http = HttpRouter()` in `http.py`, then `http.route(…)` for each."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, HttpHandler]] = {}
        self._prefixes: dict[str, dict[str, HttpHandler]] = {}

    def route(
        self,
        *,
        path: str | None = None,
        path_prefix: str | None = None,
        method: str | None = None,
        handler: Any = _MISSING,
    ) -> Any:
        """Registers `handler` for a `method` and either an exact `path` or a `path_prefix`.

        The handler is an `@http_action`. Left out, the call is a decorator for one. Raises RouteError for a route that
        cannot be.
        """
        if handler is _MISSING:
            self._check(path, path_prefix, method)

            def decorate(function: F) -> F:
                self._register(path, path_prefix, method, function)
                return function

            return decorate
        self._register(path, path_prefix, method, handler)
        return None

    def get_routes(self) -> list[tuple[str, str, HttpHandler]]:
        """Every route as (path, method, handler): exact ones sorted, then prefixes as `/prefix/*`."""
        exact = [(path, method, by[method]) for path, by in sorted(self._exact.items()) for method in sorted(by)]
        prefixes = [(f"{p}*", method, by[method]) for p, by in sorted(self._prefixes.items()) for method in sorted(by)]
        return exact + prefixes

    def lookup(self, path: str, method: str) -> tuple[HttpHandler, str, str] | None:
        """(handler, method, route) for a request, or None."""
        method = "GET" if method == "HEAD" else method
        handler = self._exact.get(path, {}).get(method)
        if handler is not None:
            return handler, method, path
        # From the longest prefix to the shortest: every prefix ends in a slash, so only slashes can end one.
        end = path.rfind("/")
        while end >= 0:
            prefix = path[: end + 1]
            handler = self._prefixes.get(prefix, {}).get(method)
            if handler is not None:
                return handler, method, f"{prefix}*"
            end = path.rfind("/", 0, end)
        return None

    def _register(self, path: str | None, path_prefix: str | None, method: str | None, handler: Any) -> None:
        if handler is None:
            raise RouteError("route requires handler")
        method = self._check(path, path_prefix, method)
        definition = _as_http_action(handler)
        if path is not None:
            by_method = self._exact.setdefault(path, {})
            if method in by_method:
                raise RouteError(f"Path '{path}' for method {method} already in use")
        else:
            assert path_prefix is not None
            by_method = self._prefixes.setdefault(path_prefix, {})
            if method in by_method:
                raise RouteError(f"{method} pathPrefix {path_prefix} is already defined")
        by_method[method] = definition

    @staticmethod
    def _check(path: str | None, path_prefix: str | None, method: str | None) -> str:
        if method is None:
            raise RouteError("route requires method")
        if method not in ROUTABLE_METHODS:
            raise RouteError(f"'{method}' is not an allowed HTTP method (like GET, POST, PUT etc.)")
        if path is not None and path_prefix is not None:
            raise RouteError("Invalid httpRouter route: cannot contain both 'path' and 'pathPrefix'")
        if path is not None:
            if not path.startswith("/"):
                raise RouteError(f"path '{path}' does not start with a /")
            if path == "/.files" or path.startswith("/.files/"):
                raise RouteError(f"path '{path}' is reserved")
        elif path_prefix is not None:
            if not path_prefix.startswith("/"):
                raise RouteError(f"pathPrefix '{path_prefix}' does not start with a /")
            if not path_prefix.endswith("/"):
                raise RouteError(f"pathPrefix {path_prefix} must end with a /")
            if path_prefix.startswith("/.files/"):
                raise RouteError(f"path '{path_prefix}' is reserved")
        else:
            raise RouteError("Invalid httpRouter route entry: must contain either field 'path' or 'pathPrefix'")
        return method


def _as_http_action(handler: Callable[..., Any] | HttpHandler) -> HttpHandler:
    if isinstance(handler, FunctionDefinition):
        if handler.kind != "http":
            raise RouteError(
                f"The handler {handler.__name__} is a {handler.kind}. A route needs an HTTP action: "
                f"write @http_action above `async def {handler.__name__}(ctx, request)`."
            )
        return handler
    if not callable(handler):
        raise RouteError(f"The handler {handler!r} is not a function. Pass one decorated with @http_action.")
    return http_action(handler)
