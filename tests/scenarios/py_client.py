"""The official Python client, driven from a test: the other end of `tests/clients/driver.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from convex import ConvexError
from convex.values import convex_to_json, json_to_convex

from tests.scenarios.programs import CLIENTS, PATIENCE_S, ClientError, Driver, Following


class PyClient:
    """`convex.ConvexClient`, one WebSocket, in a process of its own. Raises what the client raised."""

    def __init__(self, url: str) -> None:
        self.driver = Driver([sys.executable, CLIENTS / "driver.py", url])

    def subscribe(self, path: str, args: dict[str, Any] | None = None) -> Following:
        return self.driver.subscribe(path, convex_to_json(args or {}))

    def _call(self, command: str, timeout: float = PATIENCE_S, **parameters: Any) -> Any:
        try:
            return json_to_convex(self.driver.begin(command, **parameters)(timeout))
        except ClientError as error:
            if error.is_convex_error:
                raise ConvexError(error.message, json_to_convex(error.data)) from None
            raise

    def query(self, path: str, args: dict[str, Any] | None = None, timeout: float = PATIENCE_S) -> Any:
        return self._call("query", timeout, path=path, args=convex_to_json(args or {}))

    def mutation(self, path: str, args: dict[str, Any] | None = None, timeout: float = PATIENCE_S) -> Any:
        return self._call("mutation", timeout, path=path, args=convex_to_json(args or {}))

    def action(self, path: str, args: dict[str, Any] | None = None, timeout: float = PATIENCE_S) -> Any:
        return self._call("action", timeout, path=path, args=convex_to_json(args or {}))

    def set_auth(self, token: str) -> None:
        self._call("setAuth", token=token)

    def clear_auth(self) -> None:
        self._call("clearAuth")

    def set_admin_auth(self, key: str) -> None:
        self._call("setAdminAuth", key=key)

    def close(self) -> None:
        self.driver.close()


ConnectPy = Callable[[str], PyClient]
