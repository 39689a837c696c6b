"""The upgrade queries and batch mutations (kaizen 3.5): both tables keep the same rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from apps.kaizen.tests.heroes import rows, sign_in, store_player

from parabola import MutationCtx
from parabola.testing import FunctionCallError, TestBackend


@dataclass(frozen=True)
class Upgrades:
    """One kind of upgrade: its table and the names that clients call."""

    table: str
    get: str
    update: str


@pytest.fixture(
    params=[
        Upgrades("goldUpgrades", "goldUpgrades:getGoldUpgrades", "goldUpgrades:updateGoldUpgradeLevels"),
        Upgrades(
            "prestigeUpgrades", "prestigeUpgrades:getPrestigeUpgrades", "prestigeUpgrades:updatePrestigeUpgradeLevels"
        ),
    ],
    ids=lambda kind: kind.table,
)
def kind(request: pytest.FixtureRequest) -> Upgrades:
    found: Upgrades = request.param
    return found


async def give(game: TestBackend, table: str, user_id: str, levels: dict[str, float]) -> None:
    """Puts rows in place: the original has no function that inserts them."""

    async def insert(ctx: MutationCtx) -> None:
        for name, level in levels.items():
            await ctx.db.insert(table, {"id": name, "currentLevel": level, "userId": user_id})

    await game.run(insert)


def change(**levels: Any) -> dict[str, Any]:
    return {"upgrades": [{"id": name, "currentLevel": level} for name, level in levels.items()]}


async def test_the_query_is_null_without_a_user(game: TestBackend, kind: Upgrades) -> None:
    assert await game.query(kind.get) is None
    assert await sign_in(game, "u1").query(kind.get) is None


async def test_the_query_gives_whole_documents_of_the_caller_only(game: TestBackend, kind: Upgrades) -> None:
    ada, bob = await store_player(game, "u1"), await store_player(game, "u2")
    ada_id, bob_id = await ada.mutation("users:store"), await bob.mutation("users:store")
    await give(game, kind.table, ada_id, {"a": 1, "b": 2})
    await give(game, kind.table, bob_id, {"a": 7})
    assert await bob.query(kind.get) == [row for row in await rows(game, kind.table) if row["userId"] == bob_id]
    assert [row["id"] for row in await ada.query(kind.get)] == ["a", "b"]


async def test_an_update_needs_a_current_user(game: TestBackend, kind: Upgrades) -> None:
    for caller in (game, sign_in(game, "u1")):
        with pytest.raises(FunctionCallError, match="Not authenticated"):
            await caller.mutation(kind.update, change(a=1))


async def test_an_update_sets_the_levels_of_the_named_rows_and_returns_null(game: TestBackend, kind: Upgrades) -> None:
    player = await store_player(game, "u1")
    user_id = await player.mutation("users:store")
    await give(game, kind.table, user_id, {"a": 0, "b": 0, "c": 5})
    assert await player.mutation(kind.update, change(a=3, b=4)) is None
    assert {row["id"]: row["currentLevel"] for row in await player.query(kind.get)} == {"a": 3, "b": 4, "c": 5}


async def test_an_update_leaves_the_rows_of_others_alone(game: TestBackend, kind: Upgrades) -> None:
    ada, bob = await store_player(game, "u1"), await store_player(game, "u2")
    await give(game, kind.table, await bob.mutation("users:store"), {"a": 1})
    await ada.mutation(kind.update, change(a=9))
    assert [row["currentLevel"] for row in await bob.query(kind.get)] == [1]


async def test_entries_without_a_row_are_passed_over(game: TestBackend, kind: Upgrades) -> None:
    player = await store_player(game, "u1")
    await give(game, kind.table, await player.mutation("users:store"), {"a": 1})
    await player.mutation(kind.update, change(missing=3, a=2))
    assert {row["id"]: row["currentLevel"] for row in await player.query(kind.get)} == {"a": 2}


async def test_the_last_of_two_entries_for_one_upgrade_wins(game: TestBackend, kind: Upgrades) -> None:
    player = await store_player(game, "u1")
    await give(game, kind.table, await player.mutation("users:store"), {"a": 1})
    await player.mutation(kind.update, {"upgrades": [{"id": "a", "currentLevel": n} for n in (5, 6)]})
    assert [row["currentLevel"] for row in await player.query(kind.get)] == [6]


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"upgrades": {}},
        {"upgrades": [{"id": "a"}]},
        {"upgrades": [{"id": "a", "currentLevel": "3"}]},
        {"upgrades": [{"id": "a", "currentLevel": 3, "paid": True}]},
        {"upgrades": [], "extra": 1},
    ],
    ids=str,
)
async def test_arguments_of_another_shape_are_refused(game: TestBackend, kind: Upgrades, args: dict[str, Any]) -> None:
    player = await store_player(game, "u1")
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await player.mutation(kind.update, args)
