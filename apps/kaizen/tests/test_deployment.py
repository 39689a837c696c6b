"""What the game shows to clients, and what it needs to start (kaizen 2, 3.1)."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from parabola import MutationCtx
from parabola.errors import LoadError
from parabola.testing import FunctionCallError, TestBackend


async def test_the_helper_that_finds_the_user_is_not_callable(game: TestBackend) -> None:
    with pytest.raises(FunctionCallError, match="Could not find public function"):
        await game.query("lib/auth:getCurrentUser")


async def test_without_the_issuer_variable_loading_fails_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLERK_JWT_ISSUER_DOMAIN", raising=False)
    with pytest.raises(LoadError, match="CLERK_JWT_ISSUER_DOMAIN"):
        TestBackend(Path(__file__).parents[1] / "backend")


async def insert_user(document: dict[str, str], ctx: MutationCtx) -> None:
    await ctx.db.insert("users", document)


async def test_documents_with_unknown_or_missing_fields_are_refused(game: TestBackend) -> None:
    for document in ({"name": "Ada"}, {"name": "Ada", "tokenIdentifier": "i|s", "email": "ada@example.com"}):
        with pytest.raises(FunctionCallError, match="does not match the schema"):
            await game.run(functools.partial(insert_user, document))
