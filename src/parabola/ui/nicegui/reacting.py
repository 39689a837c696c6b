"""Elements that follow signals: `effect` changes them, `live` builds them anew."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import context, ui
from reaktiv import Effect, untracked

from parabola.ui.scopes import Scope, require_scope


def effect(react: Callable[[], object], *, scope: Scope | None = None) -> Effect:
    """Runs `react` now, and again whenever a signal that it read has changed, for as long as the scope lasts.

    It runs in the slot in which `effect` was called, so it may make elements there:
    `effect(lambda: label.set_text(f"{gold()} gold"))`.
    """
    owner = require_scope("effect", scope)
    slot = context.slot

    def run() -> None:
        with slot:
            react()

    with untracked():
        running = Effect(run)
    owner.on_close(running.dispose)
    return running


def live(build: Callable[[], object], *, scope: Scope | None = None) -> ui.element:
    """A block of elements, built by `build` now and built anew whenever a signal that it read has changed.

    For lists and for parts that come and go; `effect` is cheaper where an element's text changes. What `build` injects
    belongs to this building of the block and ends with it, so queries that are to outlast a change are injected before.
    """
    owner = require_scope("live", scope)
    box = Box(owner)
    effect(lambda: box.fill(build), scope=owner)
    return box.element


class Box:
    """An element without a shape of its own whose content is exchanged, each content with a scope of its own."""

    def __init__(self, owner: Scope) -> None:
        self._owner = owner
        self._content: Scope | None = None
        self.element = ui.element("div").style("display: contents")

    def fill(self, build: Callable[[], object]) -> Scope:
        """Shows what `build` makes. Signals that it reads are read in the effect that runs now."""
        old, self._content = self._content, Scope(self._owner)
        self.element.clear()
        try:
            with self.element, self._content.entered():
                build()
        finally:
            # After the new one, so that a query which both follow stays on the server.
            if old is not None:
                old.close()
        return self._content

    def empty(self) -> None:
        """Shows nothing."""
        old, self._content = self._content, None
        self.element.clear()
        if old is not None:
            old.close()
