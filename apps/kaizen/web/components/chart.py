"""Gold and stage over time, as SVG drawn here.

It is small and sharp, follows the theme, and needs nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from nicegui import ui

from parabola.ui import inject_query
from parabola.ui.nicegui import live

from ..formatting import duration, short
from .panels import panel
from .text import Text

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 68, 56, 14, 26
RULES = 4

Points = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places on the picture: `low` is at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value is drawn."""
        return self.start + (value - self.low) / ((self.high - self.low) or 1) * (self.end - self.start)


def history_panel() -> None:
    """The panel with the player's history, following it."""
    history = inject_query("game:history")
    with panel("Your way so far", testid="history", classes="k-history"):

        def show() -> None:
            points = history.data()
            if history.error() is not None and points is None:
                Text("p", "Your history could not be loaded.", "k-muted", testid="error").props("role=alert")
            elif points is None:
                Text("p", "One moment.", "k-muted")
            elif len(points) < 2:
                Text("p", "Fight a little, and your way will be drawn here.", "k-muted", testid="empty")
            else:
                ui.html(chart(points), sanitize=False).classes("k-chart-box")

        live(show)


def chart(points: Points) -> str:
    """The picture of at least two points of `game:history`: gold as an area, the stage as a line of steps."""
    first, last = points[0]["at"], points[-1]["at"]
    x = Scale(first, last, LEFT, WIDTH - RIGHT)
    gold = Scale(0, _round_up(max(point["gold"] for point in points)), HEIGHT - BOTTOM, TOP)
    stage = Scale(0, _round_up(max(point["stage"] for point in points)), HEIGHT - BOTTOM, TOP)
    text = (
        f"Over {duration(last - first)}: gold {short(points[0]['gold'])} to {short(points[-1]['gold'])}, "
        f"stage {short(points[0]['stage'])} to {short(points[-1]['stage'])}."
    )
    line = [(x.at(point["at"]), gold.at(point["gold"])) for point in points]
    floor = HEIGHT - BOTTOM
    area = f"M{LEFT} {floor}" + "".join(f"L{_xy(*spot)}" for spot in line) + f"L{_xy(line[-1][0], floor)}Z"
    steps = f"M{_xy(LEFT, stage.at(points[0]['stage']))}" + "".join(
        f"H{_n(x.at(point['at']))}V{_n(stage.at(point['stage']))}" for point in points[1:]
    )
    parts = [
        *_rules(gold, stage),
        f'<path class="k-chart-area" d="{area}"/>',
        f'<path class="k-chart-gold" d="M{"L".join(_xy(*spot) for spot in line)}"/>',
        f'<path class="k-chart-stage" d="{steps}"/>',
        *_prestiges(points, x),
        *_times(first, last, x),
    ]
    return (
        f'<svg class="k-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(text)}">'
        f"<title>{escape(text)}</title>{''.join(parts)}</svg>"
        '<div class="k-chart-legend"><span class="k-legend-gold">Gold</span>'
        '<span class="k-legend-stage">Stage</span></div>'
    )


def _rules(gold: Scale, stage: Scale) -> list[str]:
    parts: list[str] = []
    for step in range(RULES + 1):
        share = step / RULES
        y = _n(gold.at(gold.high * share))
        parts.append(f'<path class="k-chart-rule" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        parts.append(_label(LEFT - 8, y, "end", short(gold.high * share), "k-chart-gold-text"))
        parts.append(_label(WIDTH - RIGHT + 8, y, "start", short(stage.high * share), "k-chart-stage-text"))
    return parts


def _prestiges(points: Points, x: Scale) -> list[str]:
    marks: list[str] = []
    for earlier, later in pairwise(points):
        if later["prestigeLevel"] > earlier["prestigeLevel"]:
            place = _n(x.at(later["at"]))
            marks.append(
                f'<path class="k-chart-prestige" d="M{place} {TOP}V{HEIGHT - BOTTOM}">'
                f"<title>Prestige level {short(later['prestigeLevel'])}</title></path>"
            )
    return marks


def _times(first: float, last: float, x: Scale) -> list[str]:
    words: list[tuple[float, str, str]] = [
        (first, "start", f"{duration(last - first)} ago"),
        ((first + last) / 2, "middle", f"{duration((last - first) / 2)} ago"),
        (last, "end", "now"),
    ]
    return [_label(x.at(at), str(HEIGHT - 8), anchor, text, "k-chart-time") for at, anchor, text in words]


def _label(x: float, y: str, anchor: str, text: str, name: str) -> str:
    return (
        f'<text class="{name}" x="{_n(x)}" y="{y}" text-anchor="{anchor}" '
        f'dominant-baseline="middle">{escape(text)}</text>'
    )


def _round_up(value: float) -> float:
    """The next number that is easy to divide by four and to read: 4, 8, 12, 20, 28, 40, 80, 100, 120, 200 …"""
    size = 1
    while size * 40 <= value:
        size *= 10
    numbers = (4, 8, 12, 20, 28, 40) if size == 1 else (4, 8, 10, 12, 20, 28, 40)
    return next(size * number for number in numbers if size * number >= value)


def _xy(x: float, y: float) -> str:
    return f"{_n(x)} {_n(y)}"


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
