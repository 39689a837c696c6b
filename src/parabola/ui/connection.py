"""`inject_connection_state`: how the client is connected, as a signal."""

from __future__ import annotations

from reaktiv import Signal, untracked
from reaktiv.protocols import ReadableSignal

from parabola.client import ConnectionState
from parabola.ui.link import Link
from parabola.ui.scopes import Scope, require_provider

_NAME = "connection"


def inject_connection_state(*, scope: Scope | None = None) -> ReadableSignal[ConnectionState]:
    """The connection's state: `is_connected`, `has_ever_connected`, `connection_retries`, requests under way.

    All who ask share one signal, which lasts as long as the client's scope.
    """
    provider, link = require_provider("inject_connection_state", scope)
    signal: Signal[ConnectionState] | None = provider.shared.get(_NAME)
    if signal is None:
        # Read here, perhaps in another thread than the client's: a state from a moment ago, until `begin` has run.
        signal = provider.shared[_NAME] = Signal(link.connection_state())
        _follow(provider, link, signal)
    return signal.as_readonly()


def _follow(provider: Scope, link: Link, signal: Signal[ConnectionState]) -> None:
    def begin() -> None:
        if provider.is_closed:
            return
        stop = link.on_connection_change(signal.set)
        provider.on_close(lambda: link.post(stop))
        signal.set(link.connection_state())

    with untracked():
        link.post(begin)
