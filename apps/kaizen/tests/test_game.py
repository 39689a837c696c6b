"""The first step, the rules as data, and the state that pages show (kaizen 9.4)."""

from __future__ import annotations

from typing import Any

import pytest
from apps.kaizen.rules.upgrades import UPGRADES
from apps.kaizen.tests.heroes import Hero, hero, rows, sign_in, start

from parabola import ConvexError
from parabola.testing import FunctionCallError, TestBackend

NEEDS_A_PLAYER: dict[str, dict[str, Any]] = {
    "game:start": {},
    "game:prestige": {},
    "combat:setFighting": {"fighting": True},
    "combat:sync": {},
    "combat:useSwiftAttack": {},
    "milestones:unlock": {"id": "str-1"},
    "goldUpgrades:purchaseUpgrade": {"upgradeId": "gold_strength_flat"},
    "prestigeUpgrades:purchaseUpgrade": {"upgradeId": "attack_speed_boost"},
    "character:updateCharacter": hero(),
    "goldUpgrades:updateGoldUpgradeLevels": {"upgrades": []},
    "prestigeUpgrades:updatePrestigeUpgradeLevels": {"upgrades": []},
}


@pytest.mark.parametrize("name", NEEDS_A_PLAYER)
async def test_a_stranger_is_refused_and_leaves_nothing(game: TestBackend, name: str) -> None:
    with pytest.raises(ConvexError) as caught:
        await game.mutation(name, NEEDS_A_PLAYER[name])
    assert caught.value.data == {"code": "NOT_AUTHENTICATED", "message": "Not authenticated"}
    for table in ("users", "character", "runState", "leaderboard"):
        assert await rows(game, table) == []


@pytest.mark.parametrize("name", [name for name in NEEDS_A_PLAYER if "purchase" not in name and name[5:] != "prestige"])
async def test_a_first_step_of_any_kind_makes_the_rows_that_are_missing(game: TestBackend, name: str) -> None:
    await sign_in(game, "u1", name="Ada").mutation(name, NEEDS_A_PLAYER[name])
    assert [row["name"] for row in await rows(game, "users")] == ["Ada"]
    assert [len(await rows(game, table)) for table in ("character", "runState", "leaderboard")] == [1, 1, 1]


async def test_a_first_step_that_is_refused_makes_nothing(game: TestBackend) -> None:
    player = Hero(sign_in(game, "u1"))
    await player.refused("goldUpgrades:purchaseUpgrade", upgradeId="gold_strength_flat")
    await player.refused("game:prestige")
    assert await rows(game, "users") == []


async def test_starting_twice_gives_the_same_ids(game: TestBackend) -> None:
    player = Hero(sign_in(game, "u1", name="Ada"))
    first = await player.call("game:start")
    assert await player.call("game:start") == first
    [user] = await rows(game, "users")
    assert first["userId"] == user["_id"]
    assert await player.stored() == hero()


async def test_a_player_without_a_name_is_anonymous(game: TestBackend) -> None:
    await sign_in(game, "u1").mutation("game:start")
    assert [row["name"] for row in await rows(game, "users")] == ["Anonymous"]


async def test_current_is_the_callers_row_and_no_error_for_strangers(game: TestBackend) -> None:
    assert await game.query("users:current") is None
    assert await sign_in(game, "u1").query("users:current") is None
    ada = await start(game)
    assert (await ada.caller.query("users:current"))["name"] == "Ada"


async def test_the_definitions_are_for_everybody(game: TestBackend) -> None:
    found = await game.query("game:definitions")
    assert found["version"] >= 1
    assert [upgrade["id"] for upgrade in found["upgrades"]] == [upgrade.id for upgrade in UPGRADES]
    assert found["upgrades"][0]["baseCost"] == 1
    assert found["caps"]["stage"] == 1500
    assert [milestone["id"] for milestone in found["milestones"]] == ["str-1", "str-2"]


async def test_the_state_is_null_without_a_hero(game: TestBackend) -> None:
    assert await game.query("game:state") is None
    assert await sign_in(game, "u1").query("game:state") is None


async def test_the_state_of_a_fresh_hero(game: TestBackend) -> None:
    state = await (await start(game)).state()
    assert {name: state["character"][name] for name in hero()} == hero()
    assert set(state["goldLevels"].values()) == set(state["prestigeLevels"].values()) == {0}
    assert state["nextCosts"]["gold_strength_stronger"] == 10
    assert state["stats"] == {
        "strength": 1,
        "damage": 1,
        "criticalChance": 0.1,
        "criticalMultiplier": 2,
        "intervalMs": 1000,
        "swiftIntervalMs": 500,
        "damagePerSecond": 1,
        "attacksPerSecond": 1,
        "enemyHpMax": 100,
    }
    assert (state["run"]["enemyHp"], state["run"]["fighting"], state["run"]["epoch"]) == (100, False, 0)
    assert (state["coresOnPrestige"], len(state["milestones"])) == (0, 2)


async def test_internal_functions_are_out_of_reach(game: TestBackend) -> None:
    with pytest.raises(FunctionCallError, match="Could not find public function"):
        await (await start(game)).call("migrations:settlePlayers", paginationOpts={"numItems": 1, "cursor": None})


async def test_an_unknown_mode_is_named(monkeypatch: pytest.MonkeyPatch, game: TestBackend) -> None:
    ada = await start(game)
    monkeypatch.setenv("KAIZEN_MODE", "lenient")
    with pytest.raises(FunctionCallError, match='KAIZEN_MODE is "lenient"'):
        await ada.call("character:updateCharacter", **hero())
