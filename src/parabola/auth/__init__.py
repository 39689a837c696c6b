"""Who is asking: identities, tokens, providers and the admin key. Knows nothing of functions or transports."""

from parabola.auth.admin import AdminKeyring, generate_admin_key, identity_from_attributes, load_or_create_admin_key
from parabola.auth.authenticator import Authenticator
from parabola.auth.fetching import Fetch, Fetched, HttpFetcher
from parabola.auth.identity import AdminIdentity, Caller, Identity, user_of
from parabola.auth.providers import CustomJWTProvider, OIDCProvider, Provider
from parabola.auth.tokens import EXPIRED_TEXT, TokenVerifier, VerifiedToken

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
    "generate_admin_key",
    "identity_from_attributes",
    "load_or_create_admin_key",
    "user_of",
]
