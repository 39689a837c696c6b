"""`IdentityServer`: everything joined, started and stopped as one thing.

How it is mounted::

    identity = IdentityServer(IdentitySettings(public_url="http://localhost:3210", data_dir=Path(".parabola")))
    await identity.start()
    app = identity.beside(build_app(backend))       # one origin for both; or serve identity.app alone
    verifier_fetch = identity.fetch                 # Parabola's verifier without a request to itself
    ...
    await identity.stop()
"""

from __future__ import annotations

import logging
from typing import Final

import orjson
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.types import ASGIApp

from parabola.auth.fetching import Fetch, Fetched
from parabola.identity.chance import Chance, hash_secret
from parabola.identity.flows.codes import PEPPER
from parabola.identity.flows.operator_sessions import OperatorSessions
from parabola.identity.flows.users import Users
from parabola.identity.http.app import BesideApp, build_identity_app
from parabola.identity.http.backend_api import SECRET_KEY_HASH
from parabola.identity.instance_keys import new_secret_key, publishable_key
from parabola.identity.mail import Message, Post
from parabola.identity.parts import Parts
from parabola.identity.passwords import Passwords
from parabola.identity.settings import IdentitySettings
from parabola.identity.signing import ensure_key, key_set, rotate
from parabola.identity.store.store import Store
from parabola.identity.store.work import Work
from parabola.identity.throttle import Throttle
from parabola.identity.tokens import discovery_document
from parabola.identity.upkeep import Upkeep
from parabola.seams import Clock, Entropy, SystemClock, SystemEntropy

INSTANCE_ID: Final = "instance_id"

_logger = logging.getLogger("parabola.identity")


class IdentityServer:
    """One identity server over one store. `entropy` is drawn from in several threads, under a lock of its own: do not
    share the object with anything else. `hasher` replaces argon2's defaults in tests, where hashing should be quick.

    Making one raises `IdentityRefused` through its settings; `start` raises it for a store that cannot be used.
    """

    def __init__(
        self,
        settings: IdentitySettings,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self.settings = settings
        clock = clock if clock is not None else SystemClock()
        self._parts = Parts(
            settings=settings,
            store=Store(settings.data_dir),
            clock=clock,
            chance=Chance(entropy if entropy is not None else SystemEntropy()),
            passwords=Passwords(hasher),
            post=Post(settings),
            throttle=Throttle(clock),
            upkeep=Upkeep(),
        )
        self._app: Starlette | None = None
        self.users = Users(self._parts)
        self.sessions = OperatorSessions(self._parts)
        self.new_secret_key: str | None = None
        """The secret key if this start made one: show it once, since only its hash is kept."""

    @property
    def publishable_key(self) -> str:
        """`pk_test_…`, for `new Clerk(…)`."""
        return publishable_key(self.settings)

    @property
    def issuer(self) -> str:
        """What tokens carry as `iss`: the value for `CLERK_JWT_ISSUER_DOMAIN`."""
        return self.settings.public_url

    @property
    def app(self) -> Starlette:
        """The ASGI application. Raises RuntimeError before `start`."""
        if self._app is None:
            raise RuntimeError("The identity server has not been started. Await its start() first.")
        return self._app

    async def start(self) -> None:
        """Opens the store, makes what is missing (keys, secrets), and drops what is long over."""
        await self._parts.store.open()
        instance_id = await self._parts.store.transact(self._prepare)
        self._app = build_identity_app(self._parts, instance_id)
        if not self.settings.is_development:
            _logger.warning(
                "The embedded identity server is running in the mode 'self-hosted' at %s. It is meant for small sites: "
                "you keep its accounts, keys and back-ups yourself.",
                self.settings.public_url,
            )

    async def stop(self) -> None:
        """Ends its threads and closes the store."""
        self._app = None
        self._parts.passwords.close()
        self._parts.post.close()
        await self._parts.store.close()

    def beside(self, neighbour: ASGIApp) -> BesideApp:
        """One application that answers the identity server's paths itself and leaves all else, sockets and lifespan
        included, to `neighbour`.
        """
        return BesideApp(self.app, neighbour)

    def fetch(self, otherwise: Fetch) -> Fetch:
        """A `Fetch` for Parabola's token verifier that answers for this server's discovery and keys in process, and
        asks `otherwise` for all other URLs.
        """
        issuer, parts = self.issuer, self._parts

        async def fetch(url: str) -> Fetched:
            if url == f"{issuer}/.well-known/openid-configuration":
                return Fetched(200, "application/json", orjson.dumps(discovery_document(issuer)))
            if url == f"{issuer}/.well-known/jwks.json":
                longest_s = self.settings.longest_token_s
                keys = await parts.store.transact(lambda work: key_set(work, parts.now_ms(), longest_s))
                return Fetched(200, "application/json", orjson.dumps(keys))
            return await otherwise(url)

        return fetch

    def inbox(self) -> list[Message]:
        """The e-mails of a development server, newest first."""
        return self._parts.post.inbox()

    async def rotate_keys(self) -> str:
        """Makes a new signing key and returns its id. Tokens of the old one stay valid until they expire."""
        longest_s = self.settings.longest_token_s
        key = await self._parts.store.transact(
            lambda work: rotate(work, self._parts.chance, self._parts.now_ms(), longest_s)
        )
        return key.id

    async def replace_secret_key(self) -> str:
        """Makes a new secret key and returns it; the old one is refused from now on."""
        key = new_secret_key(self._parts.chance)
        await self._parts.store.transact(lambda work: work.set_setting(SECRET_KEY_HASH, hash_secret(key)))
        return key

    def _prepare(self, work: Work) -> str:
        chance, now_ms = self._parts.chance, self._parts.now_ms()
        self._parts.upkeep.run_if_due(work, now_ms)
        ensure_key(work, chance, now_ms)
        if work.setting(PEPPER) is None:
            work.set_setting(PEPPER, chance.secret())
        if self.settings.secret_key is not None:
            work.set_setting(SECRET_KEY_HASH, hash_secret(self.settings.secret_key))
        elif work.setting(SECRET_KEY_HASH) is None:
            self.new_secret_key = new_secret_key(chance)
            work.set_setting(SECRET_KEY_HASH, hash_secret(self.new_secret_key))
        instance_id = work.setting(INSTANCE_ID)
        if instance_id is None:
            instance_id = chance.id("ins")
            work.set_setting(INSTANCE_ID, instance_id)
        return instance_id
