"""Kaizen's functions on a real server, with signed tokens, over the socket: the example session of kaizen 3.7, live."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.raw_client import RawClient
from tests.scenarios.server_process import ROOT, ServerProcess

KAIZEN = ROOT / "apps" / "kaizen"
HERO: dict[str, Any] = {
    "id": "1",
    "prestigeLevel": 1,
    "prestigeMultipliers": {"strength": 1, "intelligence": 1, "endurance": 1},
    "prestigeCores": 0,
    "gold": 10,
    "currentStage": 2,
    "currentWave": 3,
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def game(issuer: OidcIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(
        KAIZEN,
        tmp_path_factory.mktemp("data"),
        environment={"CLERK_JWT_ISSUER_DOMAIN": issuer.url, "KAIZEN_MODE": "parity"},
    )
    try:
        yield process.start()
    finally:
        process.close()


class Player:
    """One browser tab: a socket with its counters."""

    def __init__(self, client: RawClient) -> None:
        self.client = client.hello()
        self._requests = 0
        self._identity = 0

    def sign_in(self, token: str) -> None:
        self.client.send(type="Authenticate", tokenType="User", value=token, baseVersion=self._identity)
        self._identity += 1

    def call(self, path: str, args: object | None = None) -> dict[str, Any]:
        """Runs a mutation and returns its response."""
        number = self._requests
        self._requests += 1
        self.client.mutate(number, path, {} if args is None else args)
        return self.client.until("MutationResponse", requestId=number)

    def watch(self, query_id: int, path: str, args: object | None = None) -> None:
        self.client.add_query(query_id, path, {} if args is None else args, version=query_id)

    def sees(self, query_id: int) -> Any:
        """The next value of a watched query."""
        update = self.client.until_update(query_id)
        assert update["type"] == "QueryUpdated", update
        return update["value"]


def test_a_first_session_as_its_live_subscription_sees_it(game: ServerProcess, issuer: OidcIssuer) -> None:
    with RawClient(game) as client:
        player = Player(client)
        player.watch(0, "character:getCharacter")
        assert player.sees(0) is None
        refused = player.call("character:updateCharacter", HERO)
        assert not refused["success"]
        assert "Not authenticated" in refused["result"]

        player.sign_in(issuer.token("u1", aud="convex", name="Ada"))
        # Signed in but not yet stored: behaves like a stranger.
        assert "Not authenticated" in player.call("character:updateCharacter", HERO)["result"]
        stored = player.call("users:store")
        assert stored["success"]

        assert player.call("character:updateCharacter", HERO)["success"]
        first = player.sees(0)
        while first is None:
            first = player.sees(0)
        assert (first["gold"], first["currentStage"], first["currentWave"], first["id"]) == (10, 2, 3, "1")
        assert first["userId"] == stored["result"]

        assert player.call("character:updateCharacter", {**HERO, "gold": 25})["success"]
        assert player.sees(0) == {**first, "gold": 25}


def test_two_tabs_of_one_player_show_the_same_hero(game: ServerProcess, issuer: OidcIssuer) -> None:
    token = issuer.token("two-tabs", aud="convex", name="Bob")
    with RawClient(game) as one, RawClient(game) as other:
        playing, watching = Player(one), Player(other)
        for player in (playing, watching):
            player.sign_in(token)
        playing.call("users:store")
        watching.watch(0, "character:getCharacter")
        assert watching.sees(0) is None
        for gold in (1, 2, 3):
            playing.call("character:updateCharacter", {**HERO, "gold": gold})
            assert watching.sees(0)["gold"] == gold


def test_a_token_for_another_audience_is_refused(game: ServerProcess, issuer: OidcIssuer) -> None:
    with RawClient(game) as client:
        player = Player(client)
        player.sign_in(issuer.token("u1", aud="somebody-else"))
        client.until("AuthError")


def test_a_hero_stored_while_a_page_is_watched_appears_in_it(game: ServerProcess, issuer: OidcIssuer) -> None:
    with RawClient(game) as client:
        player = Player(client)
        player.sign_in(issuer.token("pages", aud="convex", name="Cyd"))
        player.call("users:store")
        player.watch(0, "character:listCharacters", {"paginationOpts": {"numItems": 100, "cursor": None}})
        before = player.sees(0)["page"]
        player.call("character:updateCharacter", HERO)
        assert [row["_id"] for row in player.sees(0)["page"][:-1]] == [row["_id"] for row in before]


def test_without_an_issuer_the_game_does_not_start_and_says_which_variable(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CLERK_JWT_ISSUER_DOMAIN"}
    command = [sys.executable, "-m", "parabola", "serve", str(KAIZEN), "--port", "0", "--data", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "CLERK_JWT_ISSUER_DOMAIN is not set" in done.stderr
    assert "Traceback" not in done.stderr
