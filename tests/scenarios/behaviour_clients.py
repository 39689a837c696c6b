"""`parabola.client` behind the face of the official clients' drivers, so that one list of behaviours fits all.

Values cross in encoded JSON, and errors as `ClientError`, exactly as the drivers tell them.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from parabola.client import Client, ConvexError, LocalStore, PaginatedState, QueryState
from parabola.values import from_wire, to_wire
from tests.scenarios.js_client import JsClient, JsDriver
from tests.scenarios.programs import PATIENCE_S, ClientError, Following


def append_message(store: LocalStore, args: dict[str, Any]) -> None:
    """What a page would do while it waits: show the message at the end of the list."""
    shown = store.get_query("messages:list", {"channel": args["channel"]})
    if shown is not None:
        draft = {"_id": "draft", "_creationTime": 0.0, **args}
        store.set_query("messages:list", {"channel": args["channel"]}, [*shown, draft])


OPTIMISTIC_UPDATES = {"appendMessage": append_message}


def told(error: BaseException) -> ClientError:
    """An exception of the client as a driver would tell it."""
    described: dict[str, Any] = {"name": type(error).__name__, "message": str(error)}
    if isinstance(error, ConvexError):
        described |= {"isConvexError": True, "data": to_wire(error.data)}
    return ClientError(described)


class JavaScriptClient(JsClient):
    """The official client, with actions that are not waited for."""

    def __init__(self, driver: JsDriver, url: str) -> None:
        super().__init__(driver, "open", url, {})

    def begin_action(self, path: str, args: dict[str, Any] | None = None) -> Callable[..., Any]:
        return self.driver.begin("action", client=self.name, path=path, args=args or {})


class ParabolaClient:
    """One `parabola.client.Client`."""

    def __init__(self, url: str) -> None:
        self.client = Client(url)
        self._wanted: queue.Queue[tuple[bool, Future[str | None]]] = queue.Queue()
        self._changes: queue.Queue[bool] = queue.Queue()

    def subscribe(self, path: str, args: dict[str, Any] | None = None) -> Following:
        following = Following()

        def record(state: QueryState) -> None:
            if state.error is not None:
                following.put(told(state.error))
            elif not state.is_loading:
                following.put(to_wire(state.value))

        def begin() -> None:
            watch = self.client.session.watch(path, from_wire(args or {}))
            record(watch.current())
            watch.on_update(record)

        self.client.run_there(begin)
        return following

    def query(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self._tell(lambda: self.client.query(path, from_wire(args or {})))

    def mutation(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self.begin_mutation(path, args)()

    def action(self, path: str, args: dict[str, Any] | None = None) -> Any:
        return self.begin_action(path, args)()

    def begin_mutation(
        self, path: str, args: dict[str, Any] | None = None, *, optimistic: str | None = None
    ) -> Callable[..., Any]:
        update = None if optimistic is None else OPTIMISTIC_UPDATES[optimistic]
        future = self.client.begin_mutation(path, from_wire(args or {}), optimistic_update=update)
        return lambda timeout=PATIENCE_S: self._tell(lambda: future.result(timeout))

    def begin_action(self, path: str, args: dict[str, Any] | None = None) -> Callable[..., Any]:
        future = self.client.begin_action(path, from_wire(args or {}))
        return lambda timeout=PATIENCE_S: self._tell(lambda: future.result(timeout))

    def _tell(self, call: Callable[[], Any]) -> Any:
        try:
            return to_wire(call())
        except Exception as error:
            raise told(error) from error

    def set_auth(self) -> None:
        def fetch(force_refresh: bool) -> str | None:
            answer: Future[str | None] = Future()
            self._wanted.put((force_refresh, answer))
            return answer.result(PATIENCE_S)

        self.client.set_auth(fetch, self._changes.put)

    def give_token(self, token: str | None, *, force: bool | None = None, timeout: float = PATIENCE_S) -> None:
        wanted, answer = self._wanted.get(timeout=timeout)
        if force is not None:
            assert wanted is force
        answer.set_result(token)

    def auth_changed(self, timeout: float = PATIENCE_S) -> bool:
        return self._changes.get(timeout=timeout)

    def clear_auth(self) -> None:
        self.client.clear_auth()

    def connection_state(self) -> dict[str, Any]:
        state = self.client.connection_state
        return {
            "isWebSocketConnected": state.is_connected,
            "connectionCount": state.connection_count,
            "hasInflightRequests": state.has_in_flight_requests,
        }

    def close(self) -> None:
        while not self._wanted.empty():
            self._wanted.get_nowait()[1].set_result(None)
        self.client.close()


class ParabolaFeed:
    """The endless list of `tests/clients/pagination.mjs`, in Python."""

    def __init__(self, url: str, room: str, page_size: int) -> None:
        self._client = Client(url)
        self._shown: queue.Queue[PaginatedState] = queue.Queue()
        self._pages = self._client.paginated("entries:list", {"room": room}, initial_num_items=page_size)
        self._pages.on_update(self._shown.put)
        self._shown.put(self._pages.current())

    def until(self, status: str, bodies: list[str]) -> None:
        """Waits until the list shows exactly this, and checks that no list on the way held an entry twice."""
        while True:
            state = self._shown.get(timeout=PATIENCE_S)
            assert state.error is None, state
            shown = [entry["body"] for entry in state.results]
            assert len(set(shown)) == len(shown), f"shown twice: {shown}"
            assert shown == sorted(shown, key=lambda body: float(body.removeprefix("entry "))), f"out of order: {shown}"
            if state.status == status and shown == bodies:
                return

    def load_more(self, count: int) -> None:
        self._pages.load_more(count)

    def close(self) -> None:
        self._client.close()
