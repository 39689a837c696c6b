"""Kaizen's servers and players for the scenarios: a real server, signed tokens, real clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.scenarios.behaviour_clients import ParabolaClient
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.programs import Following
from tests.scenarios.server_process import ROOT, ServerProcess

HERO: dict[str, Any] = {
    "id": "1",
    "prestigeLevel": 1,
    "prestigeMultipliers": {"strength": 1, "intelligence": 1, "endurance": 1},
    "prestigeCores": 0,
    "gold": 0,
    "currentStage": 1,
    "currentWave": 1,
}


@contextmanager
def kaizen_server(issuer: OidcIssuer, data: Path, mode: str) -> Iterator[ServerProcess]:
    """The game's server in one of its modes."""
    environment = {"CLERK_JWT_ISSUER_DOMAIN": issuer.url, "KAIZEN_MODE": mode}
    process = ServerProcess(ROOT / "apps" / "kaizen", data, environment=environment)
    try:
        yield process.start()
    finally:
        process.close()


class Device(ParabolaClient):
    """One browser of a signed-in player."""

    def __init__(self, server: ServerProcess, issuer: OidcIssuer, subject: str) -> None:
        super().__init__(server.url)
        self.client.set_auth(lambda force_refresh: issuer.token(subject, aud="convex", name=subject.title()))

    def state(self) -> Following:
        """Follows `game:state`, from the first one that is not null."""
        self.mutation("game:start")
        following = self.subscribe("game:state")
        following.until(lambda state: state is not None)
        return following
