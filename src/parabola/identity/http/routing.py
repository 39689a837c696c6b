"""A table of routes: methods, a path pattern, and who answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from parabola.identity.failures import not_found

Endpoint = Callable[..., Awaitable[Any]]
_PARAMETER: Final = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Route:
    """`Route("PUT POST", "/client", make_client)`. Each `{name}` takes one path segment, given in order."""

    methods: str
    pattern: str
    endpoint: Endpoint
    _regex: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        source = "([^/]+)".join(re.escape(part) for part in _PARAMETER.split(self.pattern))
        object.__setattr__(self, "_regex", re.compile(source))

    def match(self, method: str, path: str) -> tuple[str, ...] | None:
        """The path's parameters if this route answers, else None."""
        if method not in self.methods.split():
            return None
        found = self._regex.fullmatch(path)
        return None if found is None else found.groups()


def find_route(routes: Sequence[Route], method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """Who answers, and with which parameters. Raises 404 `resource_not_found`, also for a wrong method: what this
    server does not offer should look the same everywhere.
    """
    meant = "GET" if method == "HEAD" else method
    for route in routes:
        arguments = route.match(meant, path)
        if arguments is not None:
            return route.endpoint, arguments
    raise not_found("route")
