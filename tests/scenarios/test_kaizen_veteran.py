"""`./kaizen --veteran`: an account whose hero may start over at once, for whoever wants to see a prestige today."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parabola.client import AsyncClient
from parabola.ui.nicegui import FrontendApi, Visitor
from tests.browser.kaizen_process import KaizenProcess

SAID = re.compile(r"sign in as (\S+), password (\S+)\n")


@pytest.fixture
def game(tmp_path: Path) -> Iterator[KaizenProcess]:
    process = KaizenProcess(tmp_path, "--veteran")
    try:
        yield process
    finally:
        process.close()


def start(game: KaizenProcess) -> tuple[str, str]:
    """Starts the game and returns with what it said one may sign in."""
    seen = game.log_lines()
    game.start()
    said = game.wait_for_log(SAID, after_line=seen)
    return said[1], said[2]


async def play(game: KaizenProcess, account: tuple[str, str], *mutations: str) -> dict[str, Any]:
    """Signs in, calls the mutations, and returns the state after them."""
    api = FrontendApi(f"{game.url}/__clerk")
    try:
        visitor = Visitor(api, {}, None)
        await visitor.sign_in(*account)
        async with AsyncClient(game.url) as client:
            client.set_auth(lambda: visitor.get_token(template="convex"))
            for name in mutations:
                await client.mutation(name, {})
            return dict(await client.query("game:state", {}))
    finally:
        await api.aclose()


def test_the_veteran_may_start_over_and_is_back_in_place_after_another_start(game: KaizenProcess) -> None:
    account = start(game)
    state = asyncio.run(play(game, account))
    assert (state["character"]["currentStage"], state["character"]["gold"], state["coresOnPrestige"]) == (21, 5000, 5)
    after = asyncio.run(play(game, account, "game:prestige"))["character"]
    assert (after["currentStage"], after["prestigeLevel"], after["prestigeCores"]) == (1, 2, 8)
    assert game.stop() == 0

    assert start(game) == account
    again = asyncio.run(play(game, account))["character"]
    # Nothing is taken away: the level and the cores are those of the first prestige.
    assert (again["currentStage"], again["prestigeLevel"], again["prestigeCores"]) == (21, 2, 8)
    assert game.stop() == 0
    assert "Traceback" not in game.log


def test_a_password_that_is_lost_is_told_and_the_game_goes_on(game: KaizenProcess, tmp_path: Path) -> None:
    start(game)
    assert game.stop() == 0
    (tmp_path / "demo-password").write_text("another one, made up")
    seen = game.log_lines()
    game.start()
    said = game.wait_for_log(r"Nobody plays along any more: .*\n", after_line=seen)[0]
    assert "has another password than the one in" in said
    assert "demo-password. Put that file back" in said
    assert game.call("query", "game:definitions")["status"] == "success"
