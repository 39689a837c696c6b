"""User tokens on sync sockets: waited for where their keys are not at hand, and watched until they expire."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from parabola import query
from parabola.auth import CustomJWTProvider, TokenVerifier
from parabola.errors import AuthProviderUnavailable
from parabola.sync.client_version import ClientVersion
from tests.sync_world import MemorySocket, World

KEY = ECKey.generate_key("P-256", parameters={"kid": "one"}, private=True)
ISSUER = "https://issuer.example.com"


@query
async def whoami(ctx: Any) -> Any:
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]


def make_world() -> World:
    public = orjson.dumps({"keys": [KEY.as_dict(private=False)]})
    jwks = "data:application/json;base64," + base64.b64encode(public).decode()
    return World({"users:whoami": whoami}, providers=[CustomJWTProvider(ISSUER, jwks, "ES256", "app")])


@pytest.fixture
def world() -> World:
    """A server whose provider's keys are at hand already."""
    world = make_world()
    asyncio.run(world.verifier.verify(token(world)))
    return world


def token(world: World, *, lives_s: int = 60, subject: str = "ann") -> str:
    now = world.clock.now_ns() // 1_000_000_000
    claims = {"iss": ISSUER, "sub": subject, "aud": "app", "iat": now, "exp": now + lives_s}
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims, KEY)


def sign_in(world: World, lives_s: int = 60) -> MemorySocket:
    socket = world.connect()
    socket.send("Authenticate", baseVersion=0, tokenType="User", value=token(world, lives_s=lives_s))
    socket.add(0, {0: ("users:whoami", {})})
    world.settle()
    return socket


def test_an_accepted_token_is_who_the_queries_see(world: World) -> None:
    (transition,) = sign_in(world).take()
    assert transition["endVersion"]["identity"] == 1
    assert transition["modifications"][0]["value"] == "ann"


def test_a_token_that_does_not_hold_ends_the_socket_with_the_reason_and_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    socket = world.connect(ClientVersion("python", (0, 7, 0)))
    wrong = token(world) + "x"
    socket.send("Authenticate", baseVersion=0, tokenType="User", value=wrong)
    world.settle()
    (error,) = socket.take()
    assert error["type"] == "AuthError"
    assert error["authUpdateAttempted"] is True
    assert socket.closed == (None, "")
    [line] = caplog.messages
    assert line.startswith("A token was refused (InvalidAuthHeader): ")
    assert error["error"] in line
    assert "python 0.7.0" in line
    assert wrong not in line


def test_an_admin_key_that_does_not_hold_is_logged_too_and_not_shown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    socket = world.connect()
    socket.send("Authenticate", baseVersion=0, tokenType="Admin", value="test|wrong-secret")
    world.settle()
    assert socket.take()[0]["type"] == "AuthError"
    [line] = caplog.messages
    assert line.startswith("A token was refused (BadAdminKey): ")
    assert "wrong-secret" not in line


async def test_a_token_that_is_refused_once_its_keys_are_there_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = make_world()
    world.driver.loop = asyncio.get_running_loop()
    socket = world.connect()
    socket.send("Authenticate", baseVersion=0, tokenType="User", value=token(world, lives_s=-600))
    while not socket.texts:
        await asyncio.sleep(0.001)
    assert socket.take()[0]["type"] == "AuthError"
    [line] = [message for message in caplog.messages if "token" in message]
    assert "A token was refused (InvalidAuthHeader): Could not validate token: it has expired." in line


def test_a_client_that_only_listens_stops_seeing_data_within_seconds_of_its_token_running_out(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="parabola.sync")
    socket = sign_in(world, lives_s=60)
    socket.take()
    world.loop.advance(60)
    assert socket.closed is None
    world.loop.advance(15)  # a heartbeat, and the leeway that such providers have
    errors = [message for message in socket.take() if message["type"] == "AuthError"]
    assert [(error["error"], error["baseVersion"], error["authUpdateAttempted"]) for error in errors] == [
        ("Convex token identity expired", 1, False)
    ]
    assert socket.closed == (None, "")
    assert [message for message in caplog.messages if "its token ran out" in message] == caplog.messages[-1:]


def test_a_renewed_token_of_the_same_user_shows_nothing_new(world: World) -> None:
    socket = sign_in(world)
    socket.take()
    socket.send("Authenticate", baseVersion=1, tokenType="User", value=token(world, lives_s=600))
    world.settle()
    (transition,) = socket.take()
    assert transition["endVersion"]["identity"] == 2
    assert transition["modifications"] == []
    world.loop.advance(120)
    assert socket.closed is None


def test_a_key_server_that_is_away_says_nothing_about_the_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(self: TokenVerifier, token: str) -> Any:
        raise AuthProviderUnavailable("The keys cannot be had.")

    monkeypatch.setattr(TokenVerifier, "verify_at_hand", lambda self, token: None)
    monkeypatch.setattr(TokenVerifier, "verify", unavailable)
    socket = world.connect()
    socket.send("Authenticate", baseVersion=0, tokenType="User", value=token(world))
    world.settle()
    assert socket.take() == []
    assert socket.closed is not None
    assert socket.closed[0] in (1011, 1013)


async def test_messages_behind_a_token_whose_keys_are_fetched_are_handled_after_it() -> None:
    world = make_world()
    world.driver.loop = asyncio.get_running_loop()
    socket = world.connect()
    socket.send("Authenticate", baseVersion=0, tokenType="User", value=token(world))
    socket.add(0, {0: ("users:whoami", {})})
    assert socket.take() == []
    while not socket.texts:
        await asyncio.sleep(0.001)
    (transition,) = socket.take()
    assert transition["endVersion"] == {**transition["endVersion"], "querySet": 1, "identity": 1}
    assert transition["modifications"][0]["value"] == "ann"
