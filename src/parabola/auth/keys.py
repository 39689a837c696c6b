"""A provider's keys, kept: fetched rarely, by one request for all who wait, and never on an attacker's schedule.

Theory of operation. A `KeySource` holds the last `KeyRing` it loaded. While it is *fresh*, nothing is fetched. When it
is older than that, the next caller loads it anew; callers that come meanwhile wait for the same load. If the load
fails, the old ring goes on serving until it is *too old*, with pauses between attempts that grow; so a provider's
outage neither signs users out nor turns every request into a slow one. With no ring to fall back on, the failure is
the answer, as `AuthProviderUnavailable`.

A token with an unknown key id may mean that the provider rotated its keys, so the ring is loaded again, once for each
such id. Ids cost an attacker nothing, so those extra loads also draw from a small allowance that refills slowly:
random ids cause a handful of fetches a minute whatever their number, and the allowance is not touched by ordinary
loads.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson

from parabola.auth.fetching import Fetch, Fetched, read_data_uri
from parabola.auth.providers import CustomJWTProvider, OIDCProvider, Provider, comparable_issuer
from parabola.auth.signatures import KeyRing, key_ring_from_jwks
from parabola.errors import (
    AuthProviderUnavailable,
    BadRequest,
    Forbidden,
    NotFound,
    ParabolaError,
    PeerError,
    Unauthenticated,
)
from parabola.seams import Clock

FRESH_S: Final = 600.0
"""How long keys are used without asking again: how long a withdrawn key may still be honoured."""

TOO_OLD_S: Final = 6 * 3600.0
"""How long keys outlive an outage of their server."""

UNKNOWN_ID_LOADS_MAX: Final = 4
"""How many unknown key ids in a row may cause a load; above this many at once they are refused unseen."""

UNKNOWN_ID_REFILL_S: Final = 10.0
"""How long until one more may."""

UNKNOWN_ID_MEMORY_S: Final = 60.0
UNKNOWN_IDS_REMEMBERED_MAX: Final = 1024
RETRY_PAUSE_S_MIN: Final = 1.0
RETRY_PAUSE_S_MAX: Final = 60.0

_CLASS_OF_STATUS: Final[dict[int, type[PeerError]]] = {401: Unauthenticated, 403: Forbidden, 404: NotFound}


class KeySource:
    """The keys of one provider. `load` fetches a ring; time comes from `clock`."""

    def __init__(self, load: Callable[[], Awaitable[KeyRing]], clock: Clock) -> None:
        self._load_ring = load
        self._clock = clock
        self._ring: KeyRing | None = None
        self._loaded_at = 0.0
        self._loading: asyncio.Task[KeyRing] | None = None
        self._failure: ParabolaError | None = None
        self._retry_at = 0.0
        self._retry_pause_s = RETRY_PAUSE_S_MIN
        self._unknown_loads_left = float(UNKNOWN_ID_LOADS_MAX)
        self._refilled_at = clock.monotonic()
        self._unknown_ids: OrderedDict[str, float] = OrderedDict()

    def ring_at_hand(self) -> KeyRing | None:
        """The ring to use without fetching anything: a fresh one, or an older one while waiting to try again."""
        if self._ring is None:
            return None
        now = self._clock.monotonic()
        age = now - self._loaded_at
        if age < FRESH_S or (age < TOO_OLD_S and self._failure is not None and now < self._retry_at):
            return self._ring
        return None

    async def ring(self) -> KeyRing:
        """The ring to use now. Raises what the load raises when there is nothing older to fall back on."""
        ring = self.ring_at_hand()
        if ring is not None:
            return ring
        try:
            return await self._load()
        except ParabolaError:
            if self._ring is None or self._clock.monotonic() - self._loaded_at >= TOO_OLD_S:
                raise
            return self._ring

    async def ring_for_unknown_id(self, key_id: str, seen: KeyRing) -> KeyRing:
        """The ring to look in after `key_id` was not found in `seen`: a newer one if there is one or one may be
        fetched.
        """
        if self._ring is not None and self._ring is not seen:
            return self._ring
        if self._loading is None and not self._may_load_for(key_id):
            return seen
        return await self._load()

    def _may_load_for(self, key_id: str) -> bool:
        now = self._clock.monotonic()
        remembered = self._unknown_ids.get(key_id)
        if remembered is not None and now - remembered < UNKNOWN_ID_MEMORY_S:
            return False
        refill = (now - self._refilled_at) / UNKNOWN_ID_REFILL_S
        self._unknown_loads_left = min(UNKNOWN_ID_LOADS_MAX, self._unknown_loads_left + refill)
        self._refilled_at = now
        if self._unknown_loads_left < 1:
            return False
        self._unknown_loads_left -= 1
        self._unknown_ids[key_id] = now
        self._unknown_ids.move_to_end(key_id)
        if len(self._unknown_ids) > UNKNOWN_IDS_REMEMBERED_MAX:
            self._unknown_ids.popitem(last=False)
        return True

    async def _load(self) -> KeyRing:
        if self._loading is None:
            if self._failure is not None and self._clock.monotonic() < self._retry_at:
                raise type(self._failure)(self._failure.message, code=self._failure.code)
            self._loading = asyncio.create_task(self._load_once())
            self._loading.add_done_callback(_mark_as_seen)
        # Shielded: one caller that gives up must not take the load away from the others.
        return await asyncio.shield(self._loading)

    async def _load_once(self) -> KeyRing:
        try:
            ring = await self._load_ring()
        except ParabolaError as error:
            self._failure = error
            self._retry_at = self._clock.monotonic() + self._retry_pause_s
            self._retry_pause_s = min(RETRY_PAUSE_S_MAX, self._retry_pause_s * 2)
            raise
        else:
            self._ring, self._loaded_at = ring, self._clock.monotonic()
            self._failure, self._retry_pause_s = None, RETRY_PAUSE_S_MIN
            return ring
        finally:
            self._loading = None

    async def close(self) -> None:
        """Stops a load under way."""
        loading = self._loading
        if loading is not None:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)


def _mark_as_seen(loading: asyncio.Task[KeyRing]) -> None:
    """The failure is kept in the source; without this a load that everybody stopped waiting for would be reported as
    lost.
    """
    if not loading.cancelled():
        loading.exception()


def key_source(provider: Provider, fetch: Fetch, clock: Clock) -> KeySource:
    """Where the keys of `provider` come from."""
    if isinstance(provider, OIDCProvider):
        return KeySource(lambda: load_oidc_keys(provider, fetch), clock)
    return KeySource(lambda: load_custom_keys(provider, fetch), clock)


async def load_oidc_keys(provider: OIDCProvider, fetch: Fetch) -> KeyRing:
    """Discovery, then the key set it names (OpenID Connect Discovery 1.0, sections 4 and 3)."""
    issuer = comparable_issuer(provider.domain)
    failed = f"Auth provider discovery of {provider.domain} failed"
    document = await _discovery_json(f"{issuer}/.well-known/openid-configuration", fetch, failed)
    named = document.get("issuer") if isinstance(document, dict) else None
    if not isinstance(named, str) or comparable_issuer(named) != issuer:
        # Section 4.3: a document about another issuer must not be used, whoever served it.
        raise _discovery_failure(f"{failed}: the discovery document names the issuer {named!r}")
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not jwks_uri.startswith(("https://", "http://")):
        raise _discovery_failure(f"{failed}: the discovery document has no usable 'jwks_uri'")
    if issuer.startswith("https://") and not jwks_uri.startswith("https://"):
        raise _discovery_failure(f"{failed}: its 'jwks_uri' {jwks_uri} must be https, as the issuer is")
    try:
        return key_ring_from_jwks(await _discovery_json(jwks_uri, fetch, failed))
    except ValueError as error:
        raise _discovery_failure(f"{failed}: {jwks_uri} is not a key set: {error}") from None


async def _discovery_json(url: str, fetch: Fetch, failed: str) -> Any:
    try:
        fetched = await fetch(url)
    except AuthProviderUnavailable as error:
        raise AuthProviderUnavailable(f"{failed}: {error.message}") from error
    if fetched.status != 200:
        text = f"{failed}: {fetched.status} {_excerpt(fetched.body)}".rstrip()
        if fetched.status == 429 or fetched.status >= 500:
            raise AuthProviderUnavailable(text)
        raise _discovery_failure(text, _CLASS_OF_STATUS.get(fetched.status, BadRequest))
    try:
        return orjson.loads(fetched.body)
    except orjson.JSONDecodeError as error:
        raise _discovery_failure(f"{failed}: {url} did not answer with JSON: {error}") from None


def _discovery_failure(message: str, kind: type[PeerError] = BadRequest) -> PeerError:
    return kind(message, code="AuthProviderDiscoveryFailed")


async def load_custom_keys(provider: CustomJWTProvider, fetch: Fetch) -> KeyRing:
    """The key set of a custom provider, checked as wire 5.3 asks."""
    is_data = provider.jwks.startswith("data:")
    url = f"{provider.jwks[:40]}…" if is_data else provider.jwks
    failed = f"Could not fetch JWKS from URL '{url}'"
    try:
        fetched = read_data_uri(provider.jwks) if is_data else await fetch(provider.jwks)
    except AuthProviderUnavailable as error:
        raise AuthProviderUnavailable(f"{failed}: {error.message}") from error
    except ValueError as error:
        raise Unauthenticated(f"{failed}: {error}", code="InvalidAuthHeader") from None
    if fetched.status != 200:
        text = f"{failed}: {fetched.status} {_excerpt(fetched.body)}".rstrip()
        if fetched.status == 429 or fetched.status >= 500:
            raise AuthProviderUnavailable(text)
        raise Unauthenticated(text, code="InvalidAuthHeader")
    if not is_data and not _is_json_content_type(fetched):
        raise Unauthenticated(
            f"Invalid Content-Type '{fetched.content_type or ''}' when fetching JWKS from '{url}'. "
            "Serve it as application/json or application/jwk-set+json, in UTF-8.",
            code="InvalidAuthHeader",
        )
    try:
        return key_ring_from_jwks(orjson.loads(fetched.body))
    except ValueError as error:
        raise Unauthenticated(f"{failed}: {error}", code="InvalidAuthHeader") from None


def _is_json_content_type(fetched: Fetched) -> bool:
    media_type, *parameters = (part.strip().lower() for part in (fetched.content_type or "").split(";"))
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset=")]
    return media_type in ("application/json", "application/jwk-set+json") and all(
        charset == "utf-8" for charset in charsets
    )


def _excerpt(body: bytes) -> str:
    """Enough of a provider's answer to recognise it in an error message."""
    text = body[:200].decode("utf-8", "replace")
    return text if len(body) <= 200 else f"{text}…"
