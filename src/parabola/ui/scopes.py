"""Scopes: what `inject_…` finds, and when what it made ends.

Theory of operation. A scope is a place in a tree. It may *provide* a client and a way to sign in, which everything
made in it or below it finds; and it *owns* what is made in it: when the scope is closed, subscriptions end, effects
stop and scopes below close, newest first. Nothing else has to be remembered, and nothing outlives its scope.

Which scope is meant is decided in this order: the argument `scope=`; the scope entered last (`with scope:`) in this
thread or task, which tasks begun there inherit; what a *finder* says (`parabola.ui.nicegui` finds the page); the
default scope of the program (`make_default()`), for notebooks and the interactive prompt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from parabola.client import ClientError, Stop
from parabola.ui.link import Link

if TYPE_CHECKING:
    from parabola.ui.auth import Auth

log = logging.getLogger("parabola.ui")

T = TypeVar("T")

_entered: ContextVar[Scope | None] = ContextVar("parabola_ui_scope", default=None)
_finders: list[Callable[[], Scope | None]] = []


class Scope:
    """Owns what is made in it; see the module's theory of operation.

    ::

        with Scope():                       # for as long as a dialog is open, say
            details = inject_query(api.items.get, lambda: {"id": chosen()})
            ...

    Entering and leaving may be nested, and `async with` does the same but waits, at the end, until a client that was
    provided here is gone. A scope may be closed from any thread.
    """

    _default: ClassVar[Scope | None] = None

    def __init__(self, parent: Scope | None = None, *, link: Link | None = None, owns_link: bool = False) -> None:
        """Below `parent`, or below the current scope if there is one. `link` is provided here."""
        self.parent = parent if parent is not None else find_scope()
        self.link = link
        self.auth: Auth | None = None
        self.shared: dict[str, Any] = {}
        """What is made once for this scope, by name; for `inject_…` functions."""
        self._owns_link = owns_link
        self._ends: dict[int, Callable[[], object]] = {}
        self._next_end = 0
        self._tokens: list[Token[Scope | None]] = []
        self._is_closed = False
        self._leave_parent: Stop | None = None
        if self.parent is not None:
            self._leave_parent = self.parent.on_close(self.close)

    @property
    def is_closed(self) -> bool:
        """Whether this scope is over."""
        return self._is_closed

    # Owning.

    def on_close(self, end: Callable[[], object]) -> Stop:
        """Calls `end` when this scope closes; what is returned takes that back. In a closed scope nothing begins, so
        `end` is called at once.
        """
        if self._is_closed:
            end()
            return _nothing
        number = self._next_end
        self._next_end += 1
        self._ends[number] = end

        def take_back() -> None:
            self._ends.pop(number, None)

        return take_back

    def close(self) -> None:
        """Ends all that this scope owns. Calling it twice does no harm."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._leave_parent is not None:
            self._leave_parent()
        while self._ends:
            _, end = self._ends.popitem()
            try:
                end()
            except Exception:
                log.exception("Something that a scope owned could not be ended.")
        if Scope._default is self:
            Scope._default = None
        if self.link is not None and self._owns_link:
            self.link.close()

    async def aclose(self) -> None:
        """Closes, and waits until a client that this scope owns is gone."""
        self.close()
        if self.link is not None and self._owns_link:
            await self.link.wait_closed()

    # Being the current one.

    def __enter__(self) -> Scope:
        self._check_open()
        self._tokens.append(_entered.set(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()
        self.close()

    async def __aenter__(self) -> Scope:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()
        await self.aclose()

    def _leave(self) -> None:
        try:
            _entered.reset(self._tokens.pop())
        except ValueError:
            pass  # left in another task than it was entered in, where it is not the current one

    @contextmanager
    def entered(self) -> Generator[Scope]:
        """`with scope.entered():` makes it the current scope without closing it at the end."""
        self._check_open()
        token = _entered.set(self)
        try:
            yield self
        finally:
            _entered.reset(token)

    def run(self, work: Callable[[], T]) -> T:
        """Calls `work` with this as the current scope: for code that runs elsewhere, such as a callback."""
        with self.entered():
            return work()

    def make_default(self) -> Scope:
        """Makes this the scope of every place that has no other, until it is closed: for notebooks and prompts."""
        self._check_open()
        Scope._default = self
        return self

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClientError("This scope is closed, so nothing can be made in it. Make a new one.")

    @classmethod
    def default(cls) -> Scope | None:
        """The scope that `make_default()` was last called on."""
        return cls._default


def find_scope() -> Scope | None:
    """The current scope, if there is one."""
    scope = _entered.get()
    if scope is not None and not scope.is_closed:
        return scope
    for finder in _finders:
        scope = finder()
        if scope is not None:
            return scope
    return Scope.default()


def add_scope_finder(finder: Callable[[], Scope | None]) -> Stop:
    """Has `finder` asked for the current scope where none was entered: for bindings to frameworks."""
    _finders.append(finder)
    return lambda: _finders.remove(finder)


def require_scope(caller: str, scope: Scope | None) -> Scope:
    """The scope that `caller` is to use. Raises ClientError where there is none."""
    found = scope if scope is not None else find_scope()
    if found is None:
        raise ClientError(
            f"{caller}() was called outside every scope, so it does not know its server.\n"
            'Write `with provide_parabola("http://127.0.0.1:3210"):` around it, or pass scope=.'
        )
    if found.is_closed:
        raise ClientError(f"{caller}() was called in a scope that is closed. Make a new one.")
    return found


def require_provider(caller: str, scope: Scope | None) -> tuple[Scope, Link]:
    """The nearest scope, from the one to use upwards, that provides a client; and its link."""
    found: Scope | None = require_scope(caller, scope)
    while found is not None:
        if found.link is not None:
            return found, found.link
        found = found.parent
    raise ClientError(
        f"{caller}() was called in a scope that provides no client, and neither does any above it.\n"
        'Write `with provide_parabola("http://127.0.0.1:3210"):` around it.'
    )


def _nothing() -> None:
    return None
