"""Who is asking: identities, tokens, providers and the admin key. Knows nothing of functions or transports."""

from parabola.auth.admin import AdminKeyring, generate_admin_key, identity_from_attributes, load_or_create_admin_key
from parabola.auth.authenticator import Authenticator
from parabola.auth.fetching import Fetch, Fetched, HttpFetcher
from parabola.auth.identity import AdminIdentity, Caller, Identity, user_of
from parabola.auth.providers import CustomJWTProvider, OIDCProvider, Provider
from parabola.auth.tokens import EXPIRED_TEXT, TokenVerifier, VerifiedToken

# `from parabola import auth` is for `auth_config.py`. Python binds that name to this package as soon as it is
# imported, so what users expect of it must be here too.
from parabola.definitions.auth_config import custom_jwt, oidc

__all__ = [
    "EXPIRED_TEXT",
    "AdminIdentity",
    "AdminKeyring",
    "Authenticator",
    "Caller",
    "CustomJWTProvider",
    "Fetch",
    "Fetched",
    "HttpFetcher",
    "Identity",
    "OIDCProvider",
    "Provider",
    "TokenVerifier",
    "VerifiedToken",
    "custom_jwt",
    "generate_admin_key",
    "identity_from_attributes",
    "load_or_create_admin_key",
    "oidc",
    "user_of",
]
