"""`character:getCharacter`, `updateCharacter` and `listCharacters` (kaizen 3.3, 3.4, 3.6, 3.7)."""

from __future__ import annotations

from typing import Any

import pytest
from apps.kaizen.tests.heroes import hero, rows, sign_in, store_player

from parabola.testing import FunctionCallError, TestBackend


async def test_get_character_is_null_for_a_stranger(game: TestBackend) -> None:
    assert await game.query("character:getCharacter") is None


async def test_get_character_is_null_without_a_user_row(game: TestBackend) -> None:
    assert await sign_in(game, "u1").query("character:getCharacter") is None


async def test_get_character_is_null_before_the_first_save(game: TestBackend) -> None:
    player = await store_player(game, "u1")
    assert await player.query("character:getCharacter") is None


async def test_get_character_gives_the_callers_hero_only(game: TestBackend) -> None:
    ada, bob = await store_player(game, "u1"), await store_player(game, "u2", name="Bob")
    await ada.mutation("character:updateCharacter", hero(gold=1))
    await bob.mutation("character:updateCharacter", hero(gold=2))
    assert (await ada.query("character:getCharacter"))["gold"] == 1
    assert (await bob.query("character:getCharacter"))["gold"] == 2


async def test_two_heroes_of_one_player_are_an_error(game: TestBackend) -> None:
    player = await store_player(game, "u1")
    await player.mutation("character:updateCharacter", hero())
    await player.mutation("character:updateCharacter", hero(id="2"))
    with pytest.raises(FunctionCallError, match="more than one result"):
        await player.query("character:getCharacter")


async def test_update_character_needs_a_current_user(game: TestBackend) -> None:
    with pytest.raises(FunctionCallError, match="Not authenticated"):
        await game.mutation("character:updateCharacter", hero())
    with pytest.raises(FunctionCallError, match="Not authenticated"):
        await sign_in(game, "u1").mutation("character:updateCharacter", hero())
    assert await rows(game, "character") == []


async def test_update_character_inserts_all_arguments_and_the_owner_and_returns_null(game: TestBackend) -> None:
    player = await store_player(game, "u1")
    assert await player.mutation("character:updateCharacter", hero(gold=10, currentStage=2, currentWave=3)) is None
    [user] = await rows(game, "users")
    [row] = await rows(game, "character")
    del row["_id"], row["_creationTime"]
    assert row == {**hero(gold=10, currentStage=2, currentWave=3), "userId": user["_id"]}


async def test_update_character_patches_the_hero_with_that_id(game: TestBackend) -> None:
    player = await store_player(game, "u1")
    await player.mutation("character:updateCharacter", hero(gold=10))
    [before] = await rows(game, "character")
    await player.mutation("character:updateCharacter", hero(gold=25, prestigeLevel=2))
    [after] = await rows(game, "character")
    assert after == {**before, "gold": 25, "prestigeLevel": 2}


@pytest.mark.parametrize("name", sorted(hero()))
async def test_every_argument_of_update_character_is_required(game: TestBackend, name: str) -> None:
    player = await store_player(game, "u1")
    args = hero()
    del args[name]
    with pytest.raises(FunctionCallError, match=f"missing the required field `{name}`"):
        await player.mutation("character:updateCharacter", args)


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": 3},
        {"gold": "10"},
        {"gold": None},
        {"gold": True},
        {"id": 1},
        {"prestigeMultipliers": {"strength": 1, "intelligence": 1}},
        {"prestigeMultipliers": {"strength": 1, "intelligence": 1, "endurance": 1, "luck": 1}},
    ],
    ids=str,
)
async def test_extra_and_mistyped_arguments_are_refused_before_the_handler(
    game: TestBackend, wrong: dict[str, Any]
) -> None:
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await game.mutation("character:updateCharacter", hero(**wrong))


async def test_numbers_may_be_whole_or_fractional(game: TestBackend) -> None:
    player = await store_player(game, "u1")
    await player.mutation("character:updateCharacter", hero(gold=10.5, prestigeCores=2.0))
    stored = await player.query("character:getCharacter")
    assert (stored["gold"], stored["prestigeCores"], stored["currentStage"]) == (10.5, 2, 1)


async def test_a_list_of_23_heroes_comes_in_pages_of_10_10_and_3(game: TestBackend) -> None:
    for number in range(23):
        player = await store_player(game, f"u{number}")
        await player.mutation("character:updateCharacter", hero(gold=number))
    pages: list[dict[str, Any]] = []
    cursor = None
    while not pages or not pages[-1]["isDone"]:
        options = {"paginationOpts": {"numItems": 10, "cursor": cursor}}
        pages.append(await game.query("character:listCharacters", options))
        cursor = pages[-1]["continueCursor"]
    assert [len(page["page"]) for page in pages] == [10, 10, 3]
    assert [page["isDone"] for page in pages] == [False, False, True]
    assert [row for page in pages for row in page["page"]] == await rows(game, "character")
    assert [row["gold"] for page in pages for row in page["page"]] == list(range(23))


async def test_pagination_options_are_checked(game: TestBackend) -> None:
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await game.query("character:listCharacters", {"paginationOpts": {"numItems": "10", "cursor": None}})


async def test_the_example_sequence_of_a_first_session(game: TestBackend) -> None:
    seen = [await game.query("character:getCharacter")]
    with pytest.raises(FunctionCallError, match="Not authenticated"):
        await game.mutation("character:updateCharacter", hero())

    player = sign_in(game, "u1", name="Ada")
    seen.append(await player.query("character:getCharacter"))
    with pytest.raises(FunctionCallError, match="Not authenticated"):
        await player.mutation("character:updateCharacter", hero())

    user_id = await player.mutation("users:store")
    seen.append(await player.query("character:getCharacter"))
    assert seen == [None, None, None]
    assert await player.query("goldUpgrades:getGoldUpgrades") == []
    assert await player.query("prestigeUpgrades:getPrestigeUpgrades") == []

    await player.mutation("character:updateCharacter", hero(gold=10, currentStage=2, currentWave=3))
    first = await player.query("character:getCharacter")
    assert {name: first[name] for name in ("gold", "currentStage", "currentWave", "id", "userId")} == {
        "gold": 10,
        "currentStage": 2,
        "currentWave": 3,
        "id": "1",
        "userId": user_id,
    }
    await player.mutation("character:updateCharacter", hero(gold=25, currentStage=2, currentWave=3))
    second = await player.query("character:getCharacter")
    assert second == {**first, "gold": 25}
    assert len(await rows(game, "character")) == 1
