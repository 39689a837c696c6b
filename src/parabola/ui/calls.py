"""`inject_mutation` and `inject_action`: calls, and how the newest of them is doing, as signals."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from reaktiv import Computed, Signal, batch
from reaktiv.protocols import ReadableSignal

from parabola.client import OptimisticUpdate, QueryState
from parabola.ui.awaiting import Pending
from parabola.ui.link import Link
from parabola.ui.scopes import Scope, require_provider, require_scope
from parabola.ui.skipping import Args

log = logging.getLogger("parabola.ui")

CallStatus: TypeAlias = Literal["idle", "pending", "success", "error"]


@dataclass(frozen=True, slots=True)
class _View:
    status: CallStatus
    data: Any = None
    error: Exception | None = None


_IDLE: Final = _View("idle")
_PENDING: Final = _View("pending")


class _Function:
    """A function of the server that is called from here. The signals tell of the newest call."""

    _kind: Literal["mutation", "action"]

    def __init__(
        self,
        link: Link,
        ref: object,
        *,
        on_success: Callable[[Any], object] | None,
        on_error: Callable[[Exception], object] | None,
        optimistic_update: OptimisticUpdate | None = None,
    ) -> None:
        self._link = link
        self._ref = ref
        self._on_success = on_success
        self._on_error = on_error
        self._optimistic_update = optimistic_update
        self._lock = threading.Lock()
        self._newest = 0
        self._is_closed = False
        self._view = Signal(_IDLE)

    @cached_property
    def data(self) -> ReadableSignal[Any]:
        """What the newest call returned."""
        return Computed(lambda: self._view().data)

    @cached_property
    def error(self) -> ReadableSignal[Exception | None]:
        """What the newest call failed with."""
        return Computed(lambda: self._view().error)

    @cached_property
    def is_loading(self) -> ReadableSignal[bool]:
        """Whether the newest call is under way."""
        return Computed(lambda: self._view().status == "pending")

    @cached_property
    def is_success(self) -> ReadableSignal[bool]:
        """Whether the newest call has succeeded."""
        return Computed(lambda: self._view().status == "success")

    @cached_property
    def status(self) -> ReadableSignal[CallStatus]:
        """One of "idle", "pending", "success" or "error"."""
        return Computed(lambda: self._view().status)

    def reset(self) -> None:
        """Forgets the newest call: the status is "idle". The call itself goes on."""
        self._set(_IDLE)

    def close(self) -> None:
        """Ends with the scope: calls under way go on, but are not shown, and the callbacks stay silent."""
        self._is_closed = True
        self.reset()

    def _call(self, args: Args) -> Pending[Any]:
        pending: Pending[Any] = Pending(self._link.is_here)
        number = -1

        def settle(state: QueryState) -> None:
            if state.error is not None:
                self._settled(number, _View("error", error=state.error), self._on_error, state.error)
                pending.fail(state.error)
            else:
                self._settled(number, _View("success", state.value), self._on_success, state.value)
                pending.succeed(state.value)

        def begin() -> None:
            try:
                self._link.request(self._kind, self._ref, args, settle, self._optimistic_update)
            except Exception as error:
                self._settled(number, _View("error", error=error), self._on_error, error)
                pending.fail(error)

        # In one batch, so that an effect sees both "pending" and the optimistic change.
        with batch():
            if not self._is_closed:
                number = self._set(_PENDING)
            self._link.post(begin)
        return pending

    def _set(self, view: _View) -> int:
        with batch(), self._lock:
            self._newest += 1
            self._view.set(view)
            return self._newest

    def _settled(self, number: int, view: _View, callback: Callable[[Any], object] | None, what: Any) -> None:
        with batch():
            with self._lock:
                if number != self._newest:
                    return
                self._view.set(view)
            if callback is not None:
                try:
                    callback(what)
                except Exception:
                    log.exception("A callback of a %s failed.", self._kind)


class Mutation(_Function):
    """A mutation. Its attributes are signals that tell of the newest call: call them to read them."""

    _kind = "mutation"

    def mutate(self, args: Args = None) -> Pending[Any]:
        """Runs the mutation, after those that were begun before; it begins now, whether or not it is waited for.

        `await` what is returned, or call its `result()` in a thread: the function's result, once this client's
        queries show it. Raises `ConvexError` with its data if the function raised one, `CallFailed` if it failed
        otherwise, and what the arguments or the optimistic update are wrong with.
        """
        return self._call(args)


class Action(_Function):
    """An action. Its attributes are signals that tell of the newest call: call them to read them."""

    _kind = "action"

    def run(self, args: Args = None) -> Pending[Any]:
        """Runs the action; it begins now. As `Mutation.mutate`, and raises `ConnectionLost` when it is not known what
        became of it.
        """
        return self._call(args)


def inject_mutation(
    ref: object,
    *,
    optimistic_update: OptimisticUpdate | None = None,
    on_success: Callable[[Any], object] | None = None,
    on_error: Callable[[Exception], object] | None = None,
    scope: Scope | None = None,
) -> Mutation:
    """A mutation to call, with the state of the newest call as signals.

    `optimistic_update(store, args)` shows at once what the mutation will do: it reads and replaces results of queries
    by `store.get_query(ref, args)`, `store.set_query(ref, args, value)` and `store.get_all_queries(ref)`. Its changes
    are played over every new result until the mutation is reflected there, and are gone when it fails. `on_success`
    and `on_error` are called for the newest call only.
    """
    owner = require_scope("inject_mutation", scope)
    _, link = require_provider("inject_mutation", owner)
    mutation = Mutation(link, ref, on_success=on_success, on_error=on_error, optimistic_update=optimistic_update)
    owner.on_close(mutation.close)
    return mutation


def inject_action(
    ref: object,
    *,
    on_success: Callable[[Any], object] | None = None,
    on_error: Callable[[Exception], object] | None = None,
    scope: Scope | None = None,
) -> Action:
    """An action to call, with the state of the newest call as signals."""
    owner = require_scope("inject_action", scope)
    _, link = require_provider("inject_action", owner)
    action = Action(link, ref, on_success=on_success, on_error=on_error)
    owner.on_close(action.close)
    return action
