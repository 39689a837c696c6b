"""The chart: what it draws of a history."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from apps.kaizen.web.components.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Scale, chart

T0 = 1_790_000_000_000


def point(minute: float, gold: float, stage: float, prestige: float = 1) -> dict[str, float]:
    return {"at": T0 + minute * 60_000, "gold": gold, "stage": stage, "wave": 1, "prestigeLevel": prestige}


def drawing(*points: dict[str, float]) -> ElementTree.Element:
    picture, _, _ = chart(points).partition("<div")
    return ElementTree.fromstring(picture)


def path(picture: ElementTree.Element, name: str) -> str:
    [found] = [element.get("d") for element in picture.iter("path") if element.get("class") == name]
    assert found is not None
    return found


def test_gold_begins_at_the_left_and_ends_at_the_right() -> None:
    spots = re.findall(r"[ML]([\d.]+) ([\d.]+)", path(drawing(point(0, 0, 1), point(5, 100, 2)), "k-chart-gold"))
    assert [(float(x), float(y)) for x, y in spots] == [(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]


def test_the_stage_goes_up_in_steps() -> None:
    steps = path(drawing(point(0, 0, 1), point(5, 10, 1), point(10, 20, 4)), "k-chart-stage")
    assert re.fullmatch(r"M[\d.]+ [\d.]+(H[\d.]+V[\d.]+){2}", steps)


def test_a_prestige_is_marked() -> None:
    picture = drawing(point(0, 5, 21), point(1, 5, 1, 2), point(2, 9, 2, 2))
    marks = [element for element in picture.iter("path") if element.get("class") == "k-chart-prestige"]
    assert [mark.findtext("title") for mark in marks] == ["Prestige level 2"]


def test_it_says_in_words_what_it_shows() -> None:
    assert drawing(point(0, 0, 1), point(90, 1500, 7)).get("aria-label") == (
        "Over 1 h 30 min: gold 0 to 1.5K, stage 1 to 7."
    )


@pytest.mark.parametrize("gold", [0, 1, 3, 9, 99, 101, 12_345, 2**53 - 1])
def test_every_number_fits(gold: float) -> None:
    picture = drawing(point(0, gold, 1), point(0.1, gold / 3, 1500))
    for y in re.findall(r"[ML][\d.]+ ([\d.-]+)", path(picture, "k-chart-gold")):
        assert TOP <= float(y) <= HEIGHT - BOTTOM


def test_a_scale_of_one_value_divides_by_nothing() -> None:
    assert Scale(5, 5, 10, 20).at(5) == 10
