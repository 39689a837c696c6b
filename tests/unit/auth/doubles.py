"""Providers' documents in memory, and tokens for them, for the tests of this folder."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from parabola.auth import Fetched, OIDCProvider, TokenVerifier
from parabola.auth.providers import Provider
from parabola.errors import AuthProviderUnavailable
from parabola.seams import ManualClock
from tests.scenarios.oidc_issuer import SigningKey

ISSUER = "https://issuer.example"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
KEYS = f"{ISSUER}/keys"


class Documents:
    """What a provider serves: a `fetch` that counts, and fails when told."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.fetches: Counter[str] = Counter()
        self.reachable = True
        self.status = 200
        self.content_type: str | None = "application/json"
        self.discovery: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": KEYS}
        self.extra_jwks: list[dict[str, Any]] = []

    async def fetch(self, url: str) -> Fetched:
        self.fetches[url] += 1
        if not self.reachable:
            raise AuthProviderUnavailable("connection refused")
        jwks = {"keys": [*self.extra_jwks, *(key.jwk() for key in self.keys)]}
        document = self.discovery if url == DISCOVERY else jwks
        return Fetched(self.status, self.content_type, json.dumps(document).encode())


class Setting:
    """One provider, its documents, a clock, and the verifier that believes it."""

    def __init__(self, *providers: Provider, algorithm: str = "RS256", redact: bool = False) -> None:
        self.clock = ManualClock()
        self.key = SigningKey("key-1", algorithm)
        self.documents = Documents(self.key)
        chosen = providers or (OIDCProvider(ISSUER, "parabola"),)
        self.verifier = TokenVerifier(chosen, clock=self.clock, fetch=self.documents.fetch, redact=redact)

    @property
    def now(self) -> int:
        return self.clock.now_ns() // 1_000_000_000

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims with `changes`; None removes one."""
        claims = {"iss": ISSUER, "sub": "alice", "aud": "parabola", "iat": self.now, "exp": self.now + 600, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changes: Any) -> str:
        return self.key.sign(self.claims(**changes))
