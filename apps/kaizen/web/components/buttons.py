"""Buttons: the browser's own, so that Tab, Enter and Space do what they do everywhere."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from parabola.ui.nicegui import effect

from .text import Text


class Button(Text):
    """A button with a text. `kind` is a class such as `k-primary`."""

    def __init__(
        self, text: str, on_click: Callable[[], object] | None = None, *, kind: str = "", testid: str = ""
    ) -> None:
        super().__init__("button", text, f"k-button {kind}", testid=testid)
        self.props("type=button")
        if on_click is not None:
            self.on("click", lambda _: on_click())

    def set_enabled(self, is_enabled: bool) -> None:
        """A button that is not enabled cannot be clicked or reached."""
        self.props(remove="disabled") if is_enabled else self.props("disabled")


def choice(
    label: str, options: list[tuple[str, str]], is_chosen: Callable[[str], bool], choose: Callable[[str], object]
) -> ui.element:
    """A row of buttons of which one is pressed. `options` are (value, text); the value is in the testid too."""
    with ui.element("div").classes("k-choice").props(f'role="group" aria-label="{label}"') as group:
        for value, text in options:
            button = Text("button", text, "k-choice-option", testid=f"amount-{value}").props("type=button")
            button.on("click", lambda _, value=value: choose(value))
            effect(lambda button=button, value=value: button.props(f'aria-pressed="{str(is_chosen(value)).lower()}"'))
    return group
