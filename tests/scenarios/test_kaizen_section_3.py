"""Every function of section 3 of Kaizen through the official client: HTTP and WebSocket, both modes (9.9 item 2)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.js_client import JsClient, JsDriver, JsError
from tests.scenarios.kaizen import HERO, kaizen_server
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.server_process import ServerProcess

FLAT = "gold_strength_flat"
BATCHES = {
    "goldUpgrades:updateGoldUpgradeLevels": "goldUpgrades:getGoldUpgrades",
    "prestigeUpgrades:updatePrestigeUpgradeLevels": "prestigeUpgrades:getPrestigeUpgrades",
}
FIRST_PAGE = {"paginationOpts": {"numItems": 10, "cursor": None}}
WRONG_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("users:store", {"name": "Eve"}),
    ("character:updateCharacter", {}),
    ("character:updateCharacter", {**HERO, "gold": "10"}),
    ("character:updateCharacter", {**HERO, "level": 1}),
    *((batch, {"upgrades": [{"id": FLAT}]}) for batch in BATCHES),
    *((batch, {}) for batch in BATCHES),
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(scope="module", params=["strict", "parity"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def game(mode: str, issuer: OidcIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with kaizen_server(issuer, tmp_path_factory.mktemp(mode), mode) as running:
        yield running


@pytest.fixture(params=["http", "websocket"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stranger(game: ServerProcess, js: JsDriver, transport: str) -> JsClient:
    return js.connect_http(game.url) if transport == "http" else js.connect(game.url)


@pytest.fixture
def player(stranger: JsClient, issuer: OidcIssuer, mode: str, transport: str) -> JsClient:
    """Signed in, and unknown to the game."""
    if transport == "http":
        stranger.set_auth(issuer.token(f"{mode}-{transport}", aud="convex", name="Ada"))
        return stranger
    stranger.set_auth()
    for force in (False, True):
        stranger.give_token(issuer.token(f"{mode}-{transport}", aud="convex", name="Ada"), force=force)
    assert stranger.auth_changed() is True
    return stranger


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(JsError) as caught:
        call()
    data = getattr(caught.value, "data", None)
    return data["message"] if isinstance(data, dict) else str(caught.value)


def test_signed_out(stranger: JsClient) -> None:
    for name in ("character:getCharacter", *BATCHES.values()):
        assert stranger.query(name) is None
    assert "No user identity found" in refusal(lambda: stranger.mutation("users:store"))
    assert "Not authenticated" in refusal(lambda: stranger.mutation("character:updateCharacter", HERO))
    for batch in BATCHES:
        assert "Not authenticated" in refusal(functools.partial(stranger.mutation, batch, {"upgrades": []}))
    assert set(stranger.query("character:listCharacters", FIRST_PAGE)) >= {"page", "isDone", "continueCursor"}


@pytest.mark.parametrize(("name", "args"), WRONG_CALLS)
def test_arguments_of_another_shape_are_refused(stranger: JsClient, name: str, args: dict[str, Any]) -> None:
    assert "ArgumentValidationError" in refusal(lambda: stranger.mutation(name, args))


def test_from_signed_in_without_a_row_to_a_saved_hero(player: JsClient, mode: str) -> None:
    for name in ("character:getCharacter", *BATCHES.values()):
        assert player.query(name) is None
    if mode == "parity":
        assert "Not authenticated" in refusal(lambda: player.mutation("character:updateCharacter", HERO))
    else:
        # In strict mode a first save makes the rows that are missing.
        assert player.mutation("character:updateCharacter", HERO) is None
    user_id = player.mutation("users:store")
    assert player.mutation("users:store") == user_id
    for batch, listed in BATCHES.items():
        assert player.query(listed) == []
        assert player.mutation(batch, {"upgrades": [{"id": FLAT, "currentLevel": 1}]}) is None
    assert player.mutation("character:updateCharacter", {**HERO, "gold": 5}) is None
    saved = player.query("character:getCharacter")
    assert (saved["id"], saved["userId"]) == ("1", user_id)
    if mode == "parity":
        assert (saved["gold"], player.query("goldUpgrades:getGoldUpgrades")) == (5, [])
    else:
        # The kill of grace pays for the level, and for no more than 21 gold in all.
        assert 0 <= saved["gold"] <= 20
        assert [row["currentLevel"] for row in player.query("goldUpgrades:getGoldUpgrades")] == [1]
    rows = player.query("character:listCharacters", FIRST_PAGE)["page"]
    assert saved in rows
