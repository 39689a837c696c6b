"""The leaderboard (kaizen 9.8): best first, earlier first among equals, names only, up to date with every change."""

from __future__ import annotations

from typing import Any

import pytest
from apps.kaizen.tests.heroes import hero, sign_in, start

from parabola.testing import TestBackend


async def top(game: TestBackend, count: int = 10, cursor: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = await game.query(
        "leaderboard:top", {"paginationOpts": {"numItems": count, "cursor": cursor}}
    )
    return found


async def test_a_new_player_is_on_it_and_strangers_may_look(game: TestBackend) -> None:
    await start(game)
    assert (await top(game))["page"] == [{"rank": 1, "name": "Ada", "score": 11, "bestStage": 1, "prestigeLevel": 1}]


async def test_progress_counts_in_the_transaction_that_makes_it(game: TestBackend) -> None:
    ada = await (await start(game)).put(run={"rngSeed": 12345}, levels={"gold_strength_flat": 9})
    await ada.call("combat:setFighting", fighting=True)
    game.clock.advance(seconds=60)
    await ada.call("combat:sync")
    assert (await top(game))["page"][0]["score"] == 16


async def test_a_prestige_adds_ten_thousand_and_the_best_place_ever_stays(game: TestBackend) -> None:
    ada = await start(game)
    await ada.put(currentStage=24, currentWave=10, levels={"gold_strength_flat": 500}, prestigeLevel=5000)
    await ada.call("combat:setFighting", fighting=True)
    game.clock.advance(seconds=1)
    await ada.call("combat:sync")
    assert await ada.place() == (25, 1)
    await ada.call("game:prestige")
    [row] = (await top(game))["page"]
    assert row == {"rank": 1, "name": "Ada", "score": 50_000_251, "bestStage": 25, "prestigeLevel": 5001}


async def test_of_equal_scores_the_earlier_one_is_the_higher(game: TestBackend) -> None:
    for number in range(5):
        await start(game, f"u{number}", name=f"P{number}")
        game.clock.advance(seconds=1)
    assert [row["name"] for row in (await top(game))["page"]] == ["P0", "P1", "P2", "P3", "P4"]


async def test_pages_follow_one_another_with_their_ranks(game: TestBackend) -> None:
    for number in range(7):
        await start(game, f"u{number}", name=f"P{number}")
        game.clock.advance(seconds=1)
    rows, cursor = [], None
    for size in (3, 3, 1):
        page = await top(game, 3, cursor)
        assert len(page["page"]) == size
        rows += page["page"]
        cursor = page["continueCursor"]
    assert page["isDone"]
    assert [(row["rank"], row["name"]) for row in rows] == [(n + 1, f"P{n}") for n in range(7)]


async def test_pages_that_are_followed_stay_whole_while_players_overtake_each_other(game: TestBackend) -> None:
    players = []
    for number in range(7):
        players.append(await start(game, f"u{number}", name=f"P{number}"))
        game.clock.advance(seconds=1)
    first = await top(game, 3)
    second = await top(game, 3, first["continueCursor"])
    third = await top(game, 3, second["continueCursor"])
    for overtaking in (5, 6, 3):
        await players[overtaking].put(currentStage=19, currentWave=10, prestigeLevel=10**6)
        await players[overtaking].call("combat:setFighting", fighting=True)
        game.clock.advance(seconds=2)
        await players[overtaking].call("combat:sync")
        # As a client follows them: each page keeps the range that it began with.
        rows: list[dict[str, Any]] = []
        cursor = None
        for page in (first, second, third):
            options = {"numItems": 3, "cursor": cursor, "endCursor": page["continueCursor"]}
            rows += (await game.query("leaderboard:top", {"paginationOpts": options}))["page"]
            cursor = page["continueCursor"]
        assert [row["rank"] for row in rows] == list(range(1, 8))
        assert {row["name"] for row in rows} == {f"P{number}" for number in range(7)}
        assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
        assert rows[0]["score"] >= 201


@pytest.mark.parametrize("name", ["users:store", "game:start"])
async def test_a_new_name_is_shown_at_once(game: TestBackend, name: str) -> None:
    await start(game)
    await sign_in(game, "u1", name="Countess").mutation(name)
    assert [row["name"] for row in (await top(game))["page"]] == ["Countess"]
    await sign_in(game, "u1").mutation(name)
    assert [row["name"] for row in (await top(game))["page"]] == ["Countess"]


async def test_a_save_of_the_original_client_counts_too(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(seconds=300)
    await ada.call("character:updateCharacter", **hero(gold=60, currentWave=5))
    assert (await top(game))["page"][0]["score"] == 15
