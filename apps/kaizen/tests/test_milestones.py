"""Milestones (kaizen 7.2, 9.4): in order, once each, one a day; the reward is real strength."""

from __future__ import annotations

import pytest
from apps.kaizen.tests.heroes import sign_in, start

from parabola import ConvexError
from parabola.testing import TestBackend


async def test_the_list_tells_what_is_achieved(game: TestBackend) -> None:
    ada = await start(game)
    assert [milestone["achieved"] for milestone in await ada.caller.query("milestones:list")] == [False, False]
    unlocked = await ada.call("milestones:unlock", id="str-1")
    assert (unlocked["id"], unlocked["reward"], unlocked["achieved"]) == ("str-1", 5, True)
    listed = await ada.caller.query("milestones:list")
    assert listed[0] == unlocked
    assert [milestone["achieved"] for milestone in listed] == [True, False]
    bob = await start(game, "u2", name="Bob")
    assert [milestone["achieved"] for milestone in await bob.caller.query("milestones:list")] == [False, False]


async def test_the_list_is_for_whoever_is_signed_in_with_or_without_a_hero(game: TestBackend) -> None:
    with pytest.raises(ConvexError) as caught:
        await game.query("milestones:list")
    assert caught.value.data == {"code": "NOT_AUTHENTICATED", "message": "Not authenticated"}
    listed = await sign_in(game, "u1").query("milestones:list")
    assert [milestone["id"] for milestone in listed] == ["str-1", "str-2"]


async def test_both_strength_milestones_make_base_strength_and_damage_11(game: TestBackend) -> None:
    ada = await start(game)
    for milestone in ("str-1", "str-2"):
        await ada.call("milestones:unlock", id=milestone)
        game.clock.advance(days=1)
    stats = (await ada.state())["stats"]
    assert (stats["strength"], stats["damage"]) == (11, 11)


async def test_only_the_lowest_one_left_may_be_unlocked(game: TestBackend) -> None:
    ada = await start(game)
    assert (await ada.refused("milestones:unlock", id="str-2"))["message"] == "Milestone locked"
    assert (await ada.refused("milestones:unlock", id="str-3"))["message"] == "Unknown milestone"


async def test_a_milestone_is_achieved_once_and_the_list_ends_gracefully(game: TestBackend) -> None:
    ada = await start(game)
    for milestone in ("str-1", "str-2"):
        await ada.call("milestones:unlock", id=milestone)
        assert (await ada.refused("milestones:unlock", id=milestone))["message"] == "Already achieved"
        game.clock.advance(days=1)
    assert all(milestone["achieved"] for milestone in await ada.caller.query("milestones:list"))


async def test_one_a_day_is_all(game: TestBackend) -> None:
    ada = await start(game)
    await ada.call("milestones:unlock", id="str-1")
    game.clock.advance(hours=23)
    assert (await ada.refused("milestones:unlock", id="str-2"))["message"] == "Come back tomorrow"
    game.clock.advance(hours=1)
    await ada.call("milestones:unlock", id="str-2")


async def test_the_fight_before_an_unlock_is_fought_with_the_strength_of_before(game: TestBackend) -> None:
    ada = await (await start(game)).put(run={"rngSeed": 12345}, levels={"gold_strength_flat": 9})
    await ada.call("combat:setFighting", fighting=True)
    game.clock.advance(seconds=60)
    await ada.call("milestones:unlock", id="str-1")
    assert (await ada.stored())["gold"] == 56
