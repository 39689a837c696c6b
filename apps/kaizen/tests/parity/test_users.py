"""`users:store` (kaizen 3.2)."""

from __future__ import annotations

import pytest
from apps.kaizen.tests.heroes import ISSUER, rows, sign_in

from parabola import MutationCtx
from parabola.testing import FunctionCallError, TestBackend


async def test_a_stranger_is_refused_and_leaves_no_row(game: TestBackend) -> None:
    with pytest.raises(FunctionCallError, match="No user identity found"):
        await game.mutation("users:store")
    assert await rows(game, "users") == []


async def test_a_first_visit_makes_a_row_with_name_and_token_identifier(game: TestBackend) -> None:
    user_id = await sign_in(game, "u1", name="Ada").mutation("users:store")
    [row] = await rows(game, "users")
    assert (row["_id"], row["name"], row["tokenIdentifier"]) == (user_id, "Ada", f"{ISSUER}|u1")


async def test_an_identity_without_a_name_is_anonymous(game: TestBackend) -> None:
    await sign_in(game, "u1").mutation("users:store")
    assert [row["name"] for row in await rows(game, "users")] == ["Anonymous"]


async def test_storing_twice_gives_the_same_id_and_one_row(game: TestBackend) -> None:
    player = sign_in(game, "u1", name="Ada")
    assert await player.mutation("users:store") == await player.mutation("users:store")
    assert len(await rows(game, "users")) == 1


async def test_a_changed_name_is_patched_in(game: TestBackend) -> None:
    first = await sign_in(game, "u1", name="Ada").mutation("users:store")
    second = await sign_in(game, "u1", name="Ada Lovelace").mutation("users:store")
    assert first == second
    assert [row["name"] for row in await rows(game, "users")] == ["Ada Lovelace"]


async def test_a_token_without_a_name_leaves_the_stored_name(game: TestBackend) -> None:
    await sign_in(game, "u1", name="Ada").mutation("users:store")
    await sign_in(game, "u1").mutation("users:store")
    assert [row["name"] for row in await rows(game, "users")] == ["Ada"]


async def test_two_rows_for_one_token_are_an_error(game: TestBackend) -> None:
    async def insert_twice(ctx: MutationCtx) -> None:
        for _ in range(2):
            await ctx.db.insert("users", {"name": "Ada", "tokenIdentifier": f"{ISSUER}|u1"})

    await game.run(insert_twice)
    with pytest.raises(FunctionCallError, match="more than one result"):
        await sign_in(game, "u1", name="Ada").mutation("users:store")


async def test_arguments_are_refused(game: TestBackend) -> None:
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await sign_in(game, "u1").mutation("users:store", {"name": "Eve"})
