"""The calls that the original game's documentation makes, with the official client, against the running `./kaizen`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.kaizen_players import Player, game_with
from tests.scenarios.js_client import JsClient, JsDriver
from tests.scenarios.kaizen import HERO


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    with game_with(tmp_path_factory.mktemp("kaizen"), {"typed": {"gold": 100}}) as (_, players):
        yield players["typed"]


@pytest.fixture(params=["http", "websocket"])
def client(player: Player, js: JsDriver, request: pytest.FixtureRequest) -> JsClient:
    if request.param == "http":
        client = js.connect_http(player.game.url)
        client.set_auth(player.token())
    else:
        client = js.connect(player.game.url)
        client.set_auth()
        client.give_token(player.token())
    return client


def test_the_documented_calls_work(client: JsClient, player: Player) -> None:
    assert client.mutation("users:store") == player.state()["character"]["userId"]
    before = client.query("character:getCharacter")
    assert before["id"] == "1"
    saved = {name: before[name] for name in HERO}
    client.mutation("character:updateCharacter", saved)
    assert client.query("character:getCharacter")["_id"] == before["_id"]

    level = next(
        (
            row["currentLevel"]
            for row in client.query("goldUpgrades:getGoldUpgrades")
            if row["id"] == "gold_strength_flat"
        ),
        0,
    )
    wanted = [{"id": "gold_strength_flat", "currentLevel": level + 1}]
    assert client.mutation("goldUpgrades:updateGoldUpgradeLevels", {"upgrades": wanted}) is None
    rows = client.query("goldUpgrades:getGoldUpgrades")
    assert [row["currentLevel"] for row in rows if row["id"] == "gold_strength_flat"] == [level + 1]

    unpaid = [{"id": "attack_speed_boost", "currentLevel": 3}]
    assert client.mutation("prestigeUpgrades:updatePrestigeUpgradeLevels", {"upgrades": unpaid}) is None
    assert all(row["currentLevel"] == 0 for row in client.query("prestigeUpgrades:getPrestigeUpgrades"))

    page = client.query("character:listCharacters", {"paginationOpts": {"numItems": 10, "cursor": None}})
    assert [row["_id"] for row in page["page"]] == [before["_id"]]
    assert page["isDone"] is True
