"""Texts that follow signals: changed in place, and only when they are another text."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from reaktiv import Computed

from parabola.ui.nicegui import effect

from ..formatting import exact, short


class Text(TextElement):
    """A text in an element of any tag: `Text("h2", "Campaign")`."""

    def __init__(self, tag: str, text: str = "", classes: str = "", *, testid: str = "") -> None:
        super().__init__(tag=tag, text=text)
        if classes:
            self.classes(classes)
        if testid:
            self.props(f'data-testid="{testid}"')

    def follow(self, read: Callable[[], str]) -> Text:
        """Shows what `read` gives, for as long as the page or block lasts."""
        shown = Computed(read)
        effect(lambda: self.set_text(shown()))
        return self

    def follow_name(self, read: Callable[[], str]) -> Text:
        """Shows a name of any length, whole in the tooltip: the style sheet cuts it short where there is no room."""
        shown = Computed(read)

        def show() -> None:
            self.set_text(shown())
            title(self, shown())

        effect(show)
        return self.classes("k-name")

    def follow_number(self, read: Callable[[], float], *, whole_below: float = 0) -> Text:
        """Shows a number in short, and whole in the tooltip; below `whole_below` it is whole in both."""
        shown = Computed(read)

        def show() -> None:
            number = shown()
            self.set_text(exact(number) if number < whole_below else short(number))
            title(self, exact(number))

        effect(show)
        return self


def title(element: ui.element, tooltip: str) -> None:
    """Sets the browser's own tooltip, if it is another one."""
    if element._props.get("title") != tooltip:  # pyright: ignore[reportPrivateUsage]
        element._props["title"] = tooltip  # pyright: ignore[reportPrivateUsage]


def toggle(element: ui.element, name: str, is_on: bool) -> None:
    """Adds a class or takes it away."""
    element.classes(add=name if is_on else None, remove=None if is_on else name)
