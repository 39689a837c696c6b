"""Numbers, times and shares as the pages write them."""

from __future__ import annotations

import math

import pytest
from apps.kaizen.rules.upgrades import UPGRADES_BY_ID, shown_effect
from apps.kaizen.web.components.upgrade_card import plain_shown
from apps.kaizen.web.formatting import counted, duration, exact, percent, plain, short
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7, "7"),
        (0.28, "0.28"),
        (999, "999"),
        (999.999, "999.99"),
        (1000, "1K"),
        (1234, "1.23K"),
        (1999, "1.99K"),
        (12_345, "12.3K"),
        (999_999, "999K"),
        (1_000_000, "1M"),
        (4_500_000, "4.5M"),
        (2**53 - 1, "9Qa"),
        (1.5e30, "1.5No"),
        (2e35, "200Dc"),
        (1.23e36, "1.23e36"),
        (1.7e308, "1.7e308"),
        (-1234, "-1.23K"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, "–"),
    ],
)
def test_numbers_in_short(number: float, text: str) -> None:
    assert short(number) == text


@given(st.floats(min_value=0, max_value=1e308))
def test_a_short_number_takes_little_room_and_never_says_more_than_there_is(number: float) -> None:
    text = short(number)
    assert len(text) <= 8
    scale = {"K": 3, "M": 6, "B": 9, "T": 12, "Qa": 15, "Qi": 18, "Sx": 21, "Sp": 24, "Oc": 27, "No": 30, "Dc": 33}
    suffix = text.lstrip("0123456789.e")
    digits = text.removesuffix(suffix)
    said = float(digits) * 10.0 ** scale.get(suffix, 0)
    assert said <= number * (1 + 1e-12)
    assert number < 0.01 or said > number * 0.5


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (48250.0, "48,250"),
        (284.7, "284.70"),
        (2**53 - 1, "9,007,199,254,740,991"),
        (1e30, "1e+30"),
        (math.inf, "∞"),
    ],
)
def test_all_digits(number: float, text: str) -> None:
    assert exact(number) == text


@pytest.mark.parametrize(("level", "text"), [(0, "0"), (1, "0.01"), (29, "0.28"), (57, "0.57"), (90, "0.9")])
def test_a_card_shows_the_effect_that_the_rules_rounded(level: int, text: str) -> None:
    assert plain_shown(shown_effect(UPGRADES_BY_ID["gold_critical_chance_basic"], level)) == text


def test_every_effect_of_every_level_is_shown_as_it_was_rounded() -> None:
    for upgrade in UPGRADES_BY_ID.values():
        for level in range(upgrade.level_max + 1):
            effect = shown_effect(upgrade, level)
            assert float(plain_shown(effect).replace(",", "")) == pytest.approx(effect, abs=1e-9)


@pytest.mark.parametrize(("number", "text"), [(2.0, "2"), (2.5, "2.5"), (0.289, "0.28"), (0.29, "0.28")])
def test_two_decimals_rounded_down(number: float, text: str) -> None:
    assert plain(number) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0%"), (0.1, "10%"), (0.29, "29%"), (0.125, "12.5%"), (1, "100%")])
def test_shares(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, "0 s"),
        (999, "0 s"),
        (45_000, "45 s"),
        (200_000, "3 min 20 s"),
        (3_600_000, "1 h"),
        (7_500_000, "2 h 5 min"),
        (97_200_000, "1 d 3 h"),
    ],
)
def test_times(ms: float, text: str) -> None:
    assert duration(ms) == text


def test_one_and_many() -> None:
    assert [counted(number, "enemy", "enemies") for number in (0, 1, 2300)] == ["0 enemies", "1 enemy", "2.3K enemies"]
    assert counted(3, "core") == "3 cores"
