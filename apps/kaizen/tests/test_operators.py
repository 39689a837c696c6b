"""`operators:placeHero`: a hero put somewhere by hand, with all that depends on it."""

from __future__ import annotations

from typing import Any

import pytest
from apps.kaizen.tests.heroes import hero, start, store_player

from parabola import ConvexError, internal
from parabola.testing import FunctionCallError, TestBackend


async def place(game: TestBackend, player: str, **where: Any) -> Any:
    return await game.mutation(internal.operators.place_hero, {"player": player, **where})


async def test_a_placed_hero_can_do_what_it_was_placed_for(game: TestBackend) -> None:
    ada = await start(game)
    placed = await place(game, "Ada", stage=21, gold=500, cores=2, levels={"core_gain_boost": 1})
    assert placed == await ada.stored() == hero(currentStage=21, gold=500, prestigeCores=2)
    state = await ada.state()
    assert state["run"]["enemyHp"] == state["stats"]["enemyHpMax"] == 332525
    ledger = await ada.rows("ledger")
    assert sum(row["amount"] for row in ledger if row["kind"].startswith("gold.")) == 500
    assert await ada.call("game:prestige") == {"cores": 7, "prestigeLevel": 2, "gained": 5}


async def test_what_is_not_said_stays(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=77, currentStage=5, currentWave=6)
    await place(game, "Ada", cores=3)
    assert await ada.stored() == hero(gold=77, currentStage=5, currentWave=6, prestigeCores=3)


async def test_a_user_who_has_not_played_yet_gets_a_hero(game: TestBackend) -> None:
    player = await store_player(game, "u1")
    await place(game, str((await player.query("users:current"))["_id"]), stage=20)
    assert (await player.query("game:state"))["coresOnPrestige"] == 5


@pytest.mark.parametrize(
    ("player", "where", "code"),
    [
        ("Nobody", {}, "UNKNOWN_PLAYER"),
        ("Twin", {}, "AMBIGUOUS_PLAYER"),
        ("Ada", {"stage": 0}, "INVALID_VALUE"),
        ("Ada", {"stage": 1501}, "INVALID_VALUE"),
        ("Ada", {"gold": float("nan")}, "INVALID_VALUE"),
        ("Ada", {"levels": {"attack_speed_boost": 19}}, "INVALID_VALUE"),
        ("Ada", {"levels": {"excalibur": 1}}, "UNKNOWN_UPGRADE"),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused(game: TestBackend, player: str, where: dict[str, Any], code: str) -> None:
    ada = await start(game)
    for subject in ("t1", "t2"):
        await start(game, subject, name="Twin")
    with pytest.raises(ConvexError) as caught:
        await place(game, player, **where)
    assert caught.value.data["code"] == code
    assert await ada.stored() == hero()


async def test_no_client_can_ask_for_it(game: TestBackend) -> None:
    ada = await start(game)
    with pytest.raises(FunctionCallError, match="Could not find public function"):
        await ada.call("operators:placeHero", player="Ada", gold=1e9)
