"""A bearer token in, a verified user out (wire 5.2 to 5.4).

The order of the checks: the token is taken apart; what it says about itself picks a provider; the provider's kind
fixes the list of algorithms; the key is picked by id from the provider's own keys; the signature is checked; only then
are its claims believed and checked for issuer, audience and time.

`verify_at_hand` does all of it without waiting when the provider's keys are at hand, which is nearly always; `verify`
may fetch them. A token checked a moment ago is recognised by the digest of its text, since one client sends the same
one with every call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from parabola.auth.claims import custom_attributes, oidc_attributes
from parabola.auth.fetching import Fetch
from parabola.auth.identity import Identity
from parabola.auth.keys import KeySource, key_source
from parabola.auth.providers import OIDC_ALGORITHMS, CustomJWTProvider, Provider, choose_provider
from parabola.auth.signatures import KeyRing, VerificationKey, signature_holds
from parabola.auth.token_format import UncheckedToken, invalid_token, parse_token
from parabola.errors import Unauthenticated
from parabola.seams import Clock

LEEWAY_S: Final = 5
"""How far the clock of a custom provider, and the `nbf` of any, may differ from ours."""

OIDC_ISSUED_AHEAD_S_MAX: Final = 60
"""How far in the future an ID token may claim to have been issued: expiry is strict, so this only catches nonsense."""

VERIFIED_REMEMBERED_MAX: Final = 1024
"""Valid tokens are remembered so that a client that shows one with every request pays for one signature check. Most
come once, for one socket: what they prove is a kilobyte or two each.
"""

REMEMBERED_BETWEEN_SWEEPS: Final = 64
EXPIRED_TEXT: Final = "Convex token identity expired"
_OIDC_FAILED: Final = (
    "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired."
)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a valid token proved: who, and until when (Unix seconds)."""

    identity: Identity
    expires_at_s: float

    def has_expired(self, now_s: float) -> bool:
        return now_s >= self.expires_at_s


@dataclass(frozen=True, slots=True)
class _Remembered:
    verified: VerifiedToken
    source: KeySource
    ring: KeyRing


def _digest(token: str) -> bytes:
    """Stands for the token, and is a tenth of its size."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


class TokenVerifier:
    """Checks tokens against `providers`, in their order. `fetch` gets the providers' documents; `redact` hides
    configuration in texts.
    """

    def __init__(self, providers: Sequence[Provider], *, clock: Clock, fetch: Fetch, redact: bool = False) -> None:
        self._providers = tuple(providers)
        self._clock = clock
        self._redact = redact
        self._sources = tuple(key_source(provider, fetch, clock) for provider in providers)
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()  # by the digest of the token
        self._until_sweep = REMEMBERED_BETWEEN_SWEEPS

    @property
    def providers(self) -> tuple[Provider, ...]:
        return self._providers

    def now_s(self) -> float:
        """The time that expiry is compared with."""
        return self._clock.now_ns() / 1_000_000_000

    def verify_at_hand(self, token: str) -> VerifiedToken | None:
        """The verified token if that can be said without waiting, else None: then call `verify`. Raises like it."""
        known = self._recall(token)
        if known is not None:
            return known
        unchecked, position = self._triage(token)
        ring = self._sources[position].ring_at_hand()
        if ring is None:
            return None
        key = ring.pick(unchecked.key_id, _algorithms(self._providers[position]))
        return None if key is None else self._finish(unchecked, position, key, ring)

    async def verify(self, token: str) -> VerifiedToken:
        """Checks `token`, fetching keys where needed.

        Raises `Unauthenticated` (or another `PeerError`, when discovery says so) if the token does not hold, with the
        codes and texts of wire 5; `AuthProviderUnavailable` if the provider's keys cannot be had now, which says
        nothing about the token.
        """
        known = self._recall(token)
        if known is not None:
            return known
        unchecked, position = self._triage(token)
        provider, source = self._providers[position], self._sources[position]
        algorithms = _algorithms(provider)
        ring = await source.ring()
        key = ring.pick(unchecked.key_id, algorithms)
        if key is None and unchecked.key_id is not None:
            ring = await source.ring_for_unknown_id(unchecked.key_id, ring)
            key = ring.pick(unchecked.key_id, algorithms)
        if key is None:
            raise self._no_key(unchecked, provider)
        return self._finish(unchecked, position, key, ring)

    async def close(self) -> None:
        """Stops fetches under way."""
        for source in self._sources:
            await source.close()

    def _triage(self, token: str) -> tuple[UncheckedToken, int]:
        """Takes the token apart and picks its provider; refuses, before any fetch, what no key could make good."""
        unchecked = parse_token(token)
        position = choose_provider(self._providers, unchecked.issuer, unchecked.audiences, redact=self._redact)
        provider = self._providers[position]
        if isinstance(provider, CustomJWTProvider) and unchecked.key_id is None:
            raise self._no_key(unchecked, provider)
        if unchecked.algorithm not in _algorithms(provider):
            raise _wrong_algorithm(provider)
        return unchecked, position

    def _recall(self, token: str) -> VerifiedToken | None:
        digest = _digest(token)
        remembered = self._remembered.get(digest)
        if remembered is None:
            return None
        if remembered.source.ring_at_hand() is remembered.ring and not remembered.verified.has_expired(self.now_s()):
            return remembered.verified
        del self._remembered[digest]
        return None

    def _finish(self, unchecked: UncheckedToken, position: int, key: VerificationKey, ring: KeyRing) -> VerifiedToken:
        provider = self._providers[position]
        if isinstance(provider, CustomJWTProvider):
            verified = _check_custom(unchecked, provider, key, self.now_s())
        else:
            verified = _check_oidc(unchecked, key, self.now_s())
        now_s = self.now_s()
        if not verified.has_expired(now_s):
            self._remembered[_digest(unchecked.text)] = _Remembered(verified, self._sources[position], ring)
            self._make_room(now_s)
        return verified

    def _make_room(self, now_s: float) -> None:
        """Forgets what expired, as new ones come."""
        self._until_sweep -= 1
        if self._until_sweep == 0:
            self._until_sweep = REMEMBERED_BETWEEN_SWEEPS
            for digest in [known for known, each in self._remembered.items() if each.verified.has_expired(now_s)]:
                del self._remembered[digest]
        if len(self._remembered) > VERIFIED_REMEMBERED_MAX:
            self._remembered.popitem(last=False)

    def _no_key(self, unchecked: UncheckedToken, provider: Provider) -> Unauthenticated:
        if not isinstance(provider, CustomJWTProvider):
            return Unauthenticated(_OIDC_FAILED)
        if self._redact:
            return invalid_token("Could not decode token. No key of the provider matches it.")
        if unchecked.key_id is None:
            return invalid_token("Could not decode token. JWT may be missing a 'kid' (key ID) header.")
        return invalid_token(
            f"Could not decode token. The JWT's 'kid' (key ID) header is '{unchecked.key_id}', "
            "does this key match any key in the provider's JWKS?"
        )


def _algorithms(provider: Provider) -> tuple[str, ...]:
    return (provider.algorithm,) if isinstance(provider, CustomJWTProvider) else OIDC_ALGORITHMS


def _wrong_algorithm(provider: Provider) -> Unauthenticated:
    if isinstance(provider, CustomJWTProvider):
        return invalid_token(
            f"Could not validate token: its algorithm must be {provider.algorithm}, as configured for its issuer"
        )
    return Unauthenticated(_OIDC_FAILED)


def _check_oidc(unchecked: UncheckedToken, key: VerificationKey, now_s: float) -> VerifiedToken:
    claims = unchecked.claims
    subject, expires_at, issued_at = claims.get("sub"), _seconds(claims, "exp"), _seconds(claims, "iat")
    if not signature_holds(unchecked.text, key, (unchecked.algorithm or "",)):
        raise Unauthenticated(_OIDC_FAILED)
    if not isinstance(subject, str) or not subject or expires_at is None or issued_at is None:
        raise invalid_token(
            "Could not parse the token as an OIDC ID token: it needs 'sub' as a string, and 'exp' and 'iat' as numbers."
        )
    not_before = _seconds(claims, "nbf")
    holds = (
        # One audience only: a token made for several parties could be replayed to us by any of them.
        len(unchecked.audiences) == 1
        and not (isinstance(claims.get("aud"), list) and len(claims["aud"]) != 1)
        and now_s < expires_at
        and issued_at <= now_s + OIDC_ISSUED_AHEAD_S_MAX
        and (not_before is None or not_before <= now_s + LEEWAY_S)
    )
    if not holds:
        raise Unauthenticated(_OIDC_FAILED)
    return VerifiedToken(_identity(unchecked, subject, oidc_attributes), expires_at)


def _check_custom(
    unchecked: UncheckedToken, provider: CustomJWTProvider, key: VerificationKey, now_s: float
) -> VerifiedToken:
    claims = unchecked.claims
    if not signature_holds(unchecked.text, key, (provider.algorithm,)):
        raise invalid_token("Could not validate token: the signature does not match the provider's key")
    subject, expires_at = claims.get("sub"), _seconds(claims, "exp")
    if not isinstance(subject, str) or not subject:
        raise invalid_token("Missing subject")
    if expires_at is None:
        raise invalid_token("Missing expiry")
    if provider.application_id is not None and provider.application_id not in unchecked.audiences:
        raise invalid_token(f"Invalid audience: expected {provider.application_id}")
    if now_s >= expires_at + LEEWAY_S:
        raise invalid_token("Could not validate token: it has expired")
    for claim, meaning in (("nbf", "it is not valid yet"), ("iat", "it was issued in the future")):
        moment = _seconds(claims, claim)
        if moment is not None and moment > now_s + LEEWAY_S:
            raise invalid_token(f"Could not validate token: {meaning}")
    return VerifiedToken(_identity(unchecked, subject, custom_attributes), expires_at + LEEWAY_S)


def _identity(
    unchecked: UncheckedToken, subject: str, attributes: Callable[[dict[str, Any]], dict[str, Any]]
) -> Identity:
    return Identity(
        token_identifier=f"{unchecked.issuer}|{subject}",
        issuer=unchecked.issuer,
        subject=subject,
        attributes=attributes(unchecked.claims),
    )


def _seconds(claims: dict[str, Any], name: str) -> float | None:
    """A time claim in Unix seconds; None if it is missing. A wrong type is refused: ignoring `nbf: "2030"` would
    accept the token.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_token(f"Could not validate token: its claim '{name}' must be a number of seconds since 1970")
    return value
