"""The one door for credentials: an `Authorization` header, an `adminKey` parameter, or a WebSocket message's token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from parabola.auth.admin import AdminKeyring
from parabola.auth.identity import AdminIdentity, Caller
from parabola.auth.tokens import TokenVerifier, VerifiedToken
from parabola.errors import BadRequest

HEADER_CHARACTERS_MIN: Final = 7


class Authenticator:
    """Checks credentials for one deployment. Its verifier is replaced when a deploy brings other providers."""

    def __init__(self, verifier: TokenVerifier, keyring: AdminKeyring) -> None:
        self.verifier = verifier
        self._keyring = keyring

    async def from_header(self, header: str | None, admin_key: str | None = None) -> Caller:
        """Who sends a request with this `Authorization` header (wire 2.3); None for nobody.

        Without a header, `admin_key` (the query parameter) counts. Credentials that do not hold raise; they never
        become an anonymous call.
        """
        if header is None:
            return None if admin_key is None else self._keyring.identify(admin_key)
        if len(header) < HEADER_CHARACTERS_MIN:
            raise BadRequest(
                "The Authorization header is too short. Send `Bearer <token>` or `Convex <admin key>`.",
                code="InvalidHeaderFailure",
            )
        scheme, _, credentials = header.partition(" ")
        match scheme.lower():
            case "bearer":
                return (await self.user(credentials.strip())).identity
            case "convex":
                return self._keyring.identify(credentials)
            case _:
                raise BadRequest(
                    "The Authorization header must start with `Bearer ` or `Convex `.", code="InvalidAdminKey"
                )

    async def user(self, token: str) -> VerifiedToken:
        """Who a user's token proves, and until when. Raises like `TokenVerifier.verify`."""
        verified = self.verifier.verify_at_hand(token)
        return verified if verified is not None else await self.verifier.verify(token)

    def admin(self, key: str, acting_as: Mapping[str, Any] | None = None) -> AdminIdentity:
        """The admin that `key` proves, acting as the user with these attributes, if given. Raises like
        `AdminKeyring.identify`.
        """
        return self._keyring.identify(key, acting_as)
