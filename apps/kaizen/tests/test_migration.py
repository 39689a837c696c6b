"""Data of the original, which could be anything, become lawful (kaizen 9.8)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from apps.kaizen.tests.heroes import ISSUER, Hero, hero, rows, sign_in

from parabola import MutationCtx, internal
from parabola.testing import TestBackend

INFINITE, NAN = float("inf"), float("nan")


async def old_player(game: TestBackend, *heroes: dict[str, Any], subject: str = "u1", **levels: float) -> Hero:
    """A player whose rows the original wrote."""

    async def write(ctx: MutationCtx) -> None:
        owner = await ctx.db.insert("users", {"name": "Old", "tokenIdentifier": f"{ISSUER}|{subject}"})
        for document in heroes:
            await ctx.db.insert("character", {**document, "userId": owner})
        for name, level in levels.items():
            await ctx.db.insert("goldUpgrades", {"id": name, "currentLevel": level, "userId": owner})

    await game.run(write)
    return Hero(sign_in(game, subject, name="Old"))


async def test_lawful_rows_are_kept_as_they_are(game: TestBackend) -> None:
    document = hero(gold=123, prestigeCores=4, prestigeLevel=2, currentStage=12, currentWave=7)
    player = await old_player(game, document, gold_strength_flat=5, unknown_upgrade=3)
    before = [await rows(game, table) for table in ("users", "character", "goldUpgrades")]
    await player.call("game:start")
    assert [await rows(game, table) for table in ("users", "character", "goldUpgrades")] == before
    run = (await player.state())["run"]
    assert (run["enemyHp"], run["fighting"]) == ((await player.state())["stats"]["enemyHpMax"], False)


async def test_the_ledger_opens_with_what_the_player_brings(game: TestBackend) -> None:
    player = await old_player(game, hero(gold=123, prestigeCores=4))
    await player.call("game:start")
    assert [(row["kind"], row["amount"]) for row in await player.rows("ledger")] == [
        ("gold.opening", 123),
        ("cores.opening", 4),
    ]


@pytest.mark.parametrize(
    ("wrong", "repaired"),
    [
        ({"gold": NAN}, {"gold": 0}),
        ({"gold": -5}, {"gold": 0}),
        ({"gold": INFINITE}, {"gold": 2**53 - 1}),
        ({"gold": 1e300}, {"gold": 2**53 - 1}),
        ({"currentStage": 0}, {"currentStage": 1}),
        ({"currentStage": INFINITE}, {"currentStage": 1500}),
        ({"currentStage": 2.5}, {"currentStage": 2}),
        ({"currentStage": 2.9}, {"currentStage": 3}),
        ({"prestigeCores": 1e18}, {"prestigeCores": 2**53 - 1}),
        ({"currentWave": 99}, {"currentWave": 10}),
        ({"currentWave": NAN}, {"currentWave": 1}),
        ({"prestigeLevel": -INFINITE}, {"prestigeLevel": 1}),
        ({"prestigeCores": -1}, {"prestigeCores": 0}),
        (
            {"prestigeMultipliers": {"strength": 1e6, "intelligence": NAN, "endurance": 0}},
            {"prestigeMultipliers": {"strength": 1, "intelligence": 1, "endurance": 1}},
        ),
    ],
    ids=str,
)
async def test_an_unlawful_number_becomes_the_nearest_lawful_one(
    game: TestBackend, wrong: dict[str, Any], repaired: dict[str, Any]
) -> None:
    player = await old_player(game, hero(**wrong))
    # A page that looks before anything was settled sees lawful numbers, too.
    shown = (await player.state())["character"]
    assert {name: shown[name] for name in repaired} == repaired
    await player.call("game:start")
    assert await player.stored() == hero(**repaired)


@pytest.mark.parametrize(("level", "repaired"), [(NAN, 0), (-3, 0), (2.5, 2), (2.9, 3), (1e9, 90), (INFINITE, 90)])
async def test_an_unlawful_level_becomes_the_nearest_lawful_one(
    game: TestBackend, level: float, repaired: float
) -> None:
    player = await old_player(game, hero(), gold_critical_chance_basic=level)
    assert (await player.state())["goldLevels"]["gold_critical_chance_basic"] == repaired
    await player.call("game:start")
    assert [row["currentLevel"] for row in await rows(game, "goldUpgrades")] == [repaired]


async def test_the_zero_below_zero_becomes_plain_so_that_a_client_may_send_it_back(game: TestBackend) -> None:
    player = await old_player(game, hero(gold=-0.0, prestigeCores=-0.0), gold_strength_flat=-0.0)
    await player.call("game:start")
    [row] = await player.rows("character")
    [level] = await player.rows("goldUpgrades")
    assert [math.copysign(1, zero) for zero in (row["gold"], row["prestigeCores"], level["currentLevel"])] == [1, 1, 1]
    await player.call("character:updateCharacter", **await player.stored())


@pytest.mark.parametrize(
    ("heroes", "kept"),
    [
        ([hero(id="2", gold=9), hero(gold=1), hero(id="3", gold=7)], hero(gold=1)),
        ([hero(id="b", gold=5), hero(id="a", gold=6)], hero(gold=5)),
        ([hero(id="2", gold=5)], hero(gold=5)),
    ],
    ids=["the one with id 1", "the oldest", "a single one under another id"],
)
async def test_of_several_heroes_one_is_kept(
    game: TestBackend, heroes: list[dict[str, Any]], kept: dict[str, Any]
) -> None:
    player = await old_player(game, *heroes)
    assert (await player.state())["character"]["gold"] == kept["gold"]
    await player.call("game:start")
    assert await player.stored() == kept
    assert len(await rows(game, "character")) == 1


async def test_operators_may_settle_everybody_page_by_page(game: TestBackend) -> None:
    for number in range(5):
        await old_player(game, hero(gold=-number), subject=f"u{number}")
    await old_player(game, subject="never played")
    settled, cursor, done = [], None, False
    while not done:
        page = await game.mutation(
            internal.migrations.settle_players, {"paginationOpts": {"numItems": 4, "cursor": cursor}}
        )
        settled.append(page["settled"])
        cursor, done = page["continueCursor"], page["isDone"]
    assert sum(settled) == 5
    assert [row["gold"] for row in await rows(game, "character")] == [0] * 5
    assert len(await rows(game, "runState")) == 5
