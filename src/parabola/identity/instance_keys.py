"""The two keys that a developer pastes somewhere: the publishable one and the secret one. Test keys only.

A publishable key names the Frontend API's host: `pk_test_` and the base64 of `<host>$`. clerk-js refuses a host
without a dot, so `localhost` is written as `clerk.localhost`; with `proxyUrl` the name is never looked up.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from urllib.parse import urlsplit

from parabola.identity.chance import Chance
from parabola.identity.settings import IdentitySettings


def publishable_key(settings: IdentitySettings) -> str:
    """The `pk_test_…` for `new Clerk(…)`. The same settings always give the same key."""
    host = settings.publishable_key_host or _key_host(settings.public_url)
    return "pk_test_" + base64.b64encode(f"{host}$".encode()).decode().rstrip("=")


def _key_host(public_url: str) -> str:
    parts = urlsplit(public_url)
    name = parts.hostname or "localhost"
    try:
        if ipaddress.ip_address(name).version == 6:
            # An IPv6 address has no dot.
            name = "clerk.localhost"
    except ValueError:
        if "." not in name:
            name = f"clerk.{name}"
    return name if parts.port is None else f"{name}:{parts.port}"


def cookie_suffix(key: str) -> str:
    """What clerk-js appends to its cookies' names to keep instances apart."""
    digest = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
    return digest[:8].replace("+", "-").replace("/", "_")


def new_secret_key(chance: Chance) -> str:
    """A fresh `sk_test_…`: 256 bits, letters and digits only."""
    return "sk_test_" + chance.secret().replace("-", "A").replace("_", "B")
