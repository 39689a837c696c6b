"""Short messages at the edge of the page, read out by screen readers, gone after a while."""

from __future__ import annotations

from typing import Final, Literal

from nicegui import ui

from parabola.ui.nicegui import page_scope

from .text import Text

SHOWN_S: Final = 5.0
SHOWN_MAX: Final = 3

Kind = Literal["refusal", "success"]


class Toasts:
    """The messages of one page. `frame` makes the place for them; it exists before the first message, as screen
    readers need it.
    """

    def __init__(self) -> None:
        self._region = ui.element("div").classes("k-toasts").props('role="status" aria-live="polite"')
        self._shown: list[_Toast] = []

    def show(self, message: str, kind: Kind = "refusal", *, counted: bool = True) -> None:
        """Shows a message. One that is on display already is counted instead of repeated, or only stays if its number
        says nothing.
        """
        for toast in self._shown:
            if toast.message == message:
                toast.again(counted=counted)
                return
        while len(self._shown) >= SHOWN_MAX:
            self._shown[0].end()
        with self._region:
            self._shown.append(_Toast(message, kind, self._shown))


class _Toast:
    def __init__(self, message: str, kind: Kind, shown: list[_Toast]) -> None:
        self.message = message
        self._shown = shown
        self._times = 1
        with ui.element("div").classes(f"k-toast k-toast-{kind}").props('data-testid="toast"') as self._element:
            Text("span", message)
            self._count = Text("span", "", "k-toast-count")
        with self._element:
            self._timer = ui.timer(SHOWN_S, self.end, once=True, immediate=False)

    def again(self, *, counted: bool) -> None:
        if counted:
            self._times += 1
            self._count.set_text(f"×{self._times}")
        self._timer.cancel()
        with self._element:
            self._timer = ui.timer(SHOWN_S, self.end, once=True, immediate=False)

    def end(self) -> None:
        if self in self._shown:
            self._shown.remove(self)
            self._timer.cancel()
            self._element.delete()


def toasts() -> Toasts:
    """The messages of the page that runs now. `frame` calls it first, at the place where they are to be."""
    shared = page_scope().shared
    if "kaizen.toasts" not in shared:
        shared["kaizen.toasts"] = Toasts()
    shown: Toasts = shared["kaizen.toasts"]
    return shown
