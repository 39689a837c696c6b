"""A client in memory, for the bindings' tests: results are given by hand, and what is subscribed can be looked at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from parabola.client import ConnectionState, LocalStore, OptimisticUpdate, PaginatedState, QueryState, Stop
from parabola.client.states import LOADING
from parabola.ui import Scope
from parabola.ui.link import Settle
from parabola.ui.providers import provide_link
from parabola.values import canonical_args_key


class Listeners(list[Callable[..., object]]):
    def add(self, callback: Callable[..., object]) -> Stop:
        self.append(callback)
        return lambda: self.remove(callback) if callback in self else None

    def tell(self, what: Any) -> None:
        for callback in list(self):
            callback(what)


class MemoryWatch:
    def __init__(self, link: MemoryLink, key: tuple[object, bytes]) -> None:
        self._link = link
        self.key = key
        self.listeners = Listeners()
        self.is_closed = False

    def current(self) -> QueryState:
        return self._link.states.get(self.key, LOADING)

    def on_update(self, callback: Callable[[QueryState], object]) -> Stop:
        return self.listeners.add(callback)

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._link.watches.remove(self)
            self._link.note("close", self.key)


class MemoryPagination:
    def __init__(self, link: MemoryLink, args: Mapping[str, Any], num_items: int) -> None:
        self._link = link
        self.args = dict(args)
        self.num_items = num_items
        self.state = PaginatedState()
        self.listeners = Listeners()
        self.is_closed = False
        self.resets = 0

    def current(self) -> PaginatedState:
        return self.state

    def on_update(self, callback: Callable[[PaginatedState], object]) -> Stop:
        return self.listeners.add(callback)

    def show(self, state: PaginatedState) -> None:
        self.state = state
        self._link.report(lambda: self.listeners.tell(state))

    def load_more(self, num_items: int) -> bool:
        self.num_items += num_items
        self.show(PaginatedState(self.state.results, "LoadingMore"))
        return True

    def reset(self) -> None:
        self.resets += 1
        self.show(PaginatedState())

    def close(self) -> None:
        self.is_closed = True
        self._link.paginations.remove(self)


@dataclass
class Request:
    kind: str
    ref: object
    args: Mapping[str, Any] | None
    settle: Settle
    optimistic_update: OptimisticUpdate | None


@dataclass
class MemoryLink:
    """One thread is its home: that which made it."""

    watches: list[MemoryWatch] = field(default_factory=list)
    paginations: list[MemoryPagination] = field(default_factory=list)
    states: dict[tuple[object, bytes], QueryState] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    history: list[tuple[str, object]] = field(default_factory=list)
    fetch_token: Callable[..., Any] | None = None
    on_auth_change: Callable[[bool], object] | None = None
    refresh_listeners: Listeners = field(default_factory=Listeners)
    connection_listeners: Listeners = field(default_factory=Listeners)
    timers: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    posted: list[Callable[[], object]] = field(default_factory=list)
    connection: ConnectionState = field(default_factory=lambda: connection_state(is_connected=True))
    is_closed: bool = False
    home: int = field(default_factory=threading.get_ident)
    batch: Callable[[Callable[[], None]], object] = field(default=lambda report: report())

    @property
    def client(self) -> Any:
        return self

    # The test's side.

    def note(self, what: str, key: tuple[object, bytes]) -> None:
        self.history.append((what, key[0]))

    def report(self, tell: Callable[[], None]) -> None:
        self.batch(tell)

    def answer(self, ref: object, args: Mapping[str, Any], value: Any) -> None:
        """The server has a result."""
        self.show(ref, args, QueryState("success", value))

    def show(self, ref: object, args: Mapping[str, Any], state: QueryState) -> None:
        key = (ref, canonical_args_key(dict(args)))
        self.states[key] = state
        watches = [watch for watch in self.watches if watch.key == key]
        self.report(lambda: [watch.listeners.tell(state) for watch in watches] and None)

    def subscribed(self) -> list[object]:
        """What is followed now."""
        return [watch.key[0] for watch in self.watches]

    def do_posted(self) -> None:
        """What other threads have posted happens."""
        while self.posted:
            self.posted.pop(0)()

    # The link's side.

    def is_here(self) -> bool:
        return threading.get_ident() == self.home

    def post(self, work: Callable[[], object]) -> None:
        if self.is_here():
            work()
        else:
            self.posted.append(work)

    def call_later(self, delay_s: float, work: Callable[[], object]) -> Stop:
        timer = (delay_s, work)
        self.timers.append(timer)
        return lambda: self.timers.remove(timer) if timer in self.timers else None

    def watch(self, ref: object, args: Mapping[str, Any]) -> MemoryWatch:
        if ref == "no such":
            raise ValueError("no such function")
        watch = MemoryWatch(self, (ref, canonical_args_key(dict(args))))
        self.watches.append(watch)
        self.note("open", watch.key)
        return watch

    def paginated(self, ref: object, args: Mapping[str, Any], initial_num_items: int) -> MemoryPagination:
        pagination = MemoryPagination(self, args, initial_num_items)
        self.paginations.append(pagination)
        return pagination

    def request(
        self,
        kind: str,
        ref: object,
        args: Mapping[str, Any] | None,
        settle: Settle,
        optimistic_update: OptimisticUpdate | None,
    ) -> None:
        if ref == "no such":
            raise ValueError("no such function")
        self.requests.append(Request(kind, ref, args, settle, optimistic_update))

    def set_auth(self, fetch_token: Callable[..., Any], on_change: Callable[[bool], object]) -> None:
        self.fetch_token = fetch_token
        self.on_auth_change = on_change

    def clear_auth(self) -> None:
        self.fetch_token = None

    def on_auth_refresh(self, callback: Callable[[bool], object]) -> Stop:
        return self.refresh_listeners.add(callback)

    def connection_state(self) -> ConnectionState:
        return self.connection

    def on_connection_change(self, callback: Callable[[ConnectionState], object]) -> Stop:
        return self.connection_listeners.add(callback)

    def batch_updates_with(self, batch: Callable[[Callable[[], None]], object]) -> None:
        self.batch = batch

    def close(self) -> None:
        self.is_closed = True

    async def wait_closed(self) -> None:
        await asyncio.sleep(0)


def connection_state(*, is_connected: bool) -> ConnectionState:
    return ConnectionState(
        is_connected=is_connected,
        has_ever_connected=True,
        connection_count=1,
        connection_retries=0,
        mutations_in_flight=0,
        actions_in_flight=0,
        oldest_in_flight_ns=None,
    )


def scope_over(link: MemoryLink) -> Scope:
    """What `provide_parabola` would give."""
    return provide_link(link)


__all__ = ["LocalStore", "MemoryLink", "connection_state", "scope_over"]
