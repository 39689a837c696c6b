"""The official JavaScript clients, driven from Python: the other end of `tests/clients/driver.mjs`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.scenarios.programs import CLIENTS, PATIENCE_S, ClientError, Driver, Following

JsError = ClientError


def node() -> str:
    """The Node.js of this environment (it is in requirements/dev.txt), else the machine's."""
    beside = Path(sys.executable).parent / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    assert found, "Node.js is missing: ./test installs it."
    assert (CLIENTS / "node_modules" / "convex").is_dir(), "The JavaScript clients are missing: ./test installs them."
    return found


class JsDriver(Driver):
    """One Node.js process with any number of official clients in it."""

    def __init__(self) -> None:
        super().__init__([node(), CLIENTS / "driver.mjs"])

    def connect(self, url: str, **options: Any) -> JsClient:
        """A new ConvexClient: one WebSocket."""
        return JsClient(self, "open", url, options)

    def connect_http(self, url: str, **options: Any) -> JsClient:
        """A new ConvexHttpClient."""
        return JsClient(self, "openHttp", url, options)


class JsClient:
    """One client. Arguments and results are in encoded JSON; numbers come back as JavaScript prints them."""

    def __init__(self, driver: JsDriver, how: str, url: str, options: dict[str, Any]) -> None:
        self.driver = driver
        self.name = f"client {driver.next_id()}"
        self._do(how, url=url, options=options)

    def _do(self, command: str, **parameters: Any) -> Any:
        return self.driver.begin(command, client=self.name, **parameters)()

    def subscribe(self, path: str, args: dict[str, Any] | None = None) -> Following:
        return self.driver.subscribe(path, args or {}, client=self.name)

    def query(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self._do("query", path=path, args=args or {})

    def consistent_query(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self._do("consistentQuery", path=path, args=args or {})

    def mutation(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self.begin_mutation(path, args)()

    def begin_mutation(
        self, path: str, args: dict[str, Any] | None = None, *, optimistic: str | None = None
    ) -> Callable[..., Any]:
        return self.driver.begin("mutation", client=self.name, path=path, args=args or {}, optimistic=optimistic)

    def action(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self._do("action", path=path, args=args or {})

    def set_auth(self, token: str | None = None) -> None:
        """WebSocket clients ask for tokens by `tokenWanted` events (see `give_token`); HTTP clients take one."""
        self._do("setAuth", token=token)

    def give_token(self, token: str | None, *, force: bool | None = None, timeout: float = PATIENCE_S) -> None:
        """Waits until the client wants a token (a forced fresh one, if `force` is said), then gives it this one."""
        wanted = self.driver.expect("tokenWanted", timeout, client=self.name)
        if force is not None:
            assert wanted["forceRefreshToken"] is force
        self.driver.begin("giveToken", client=self.name, request=wanted["request"], token=token)()

    def auth_changed(self, timeout: float = PATIENCE_S) -> bool:
        """Waits for the client's next word on whether it is signed in."""
        return bool(self.driver.expect("authChanged", timeout, client=self.name)["isAuthenticated"])

    def clear_auth(self) -> None:
        self._do("clearAuth")

    def set_admin_auth(self, key: str, identity: dict[str, Any] | None = None) -> None:
        self._do("setAdminAuth", key=key, identity=identity)

    def connection_state(self) -> dict[str, Any]:
        return dict(self._do("connectionState"))

    def close(self) -> None:
        self._do("close")
