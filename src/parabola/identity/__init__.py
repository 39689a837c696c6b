"""The embedded, Clerk-compatible identity server: accounts, sessions and tokens without a third party.

The real `@clerk/clerk-js` runs against it, and `clerk-backend-api` manages it. It knows nothing of the backend beside
it; what joins them is the token.
"""

from parabola.identity.failures import ClerkFailure, IdentityRefused
from parabola.identity.flows.users import NewUser, UserFilter
from parabola.identity.http.app import build_identity_app, owns
from parabola.identity.server import IdentityServer
from parabola.identity.settings import IdentitySettings, RateLimits, SmtpSettings
from parabola.identity.templates import TokenTemplate

__all__ = [
    "ClerkFailure",
    "IdentityRefused",
    "IdentityServer",
    "IdentitySettings",
    "NewUser",
    "RateLimits",
    "SmtpSettings",
    "TokenTemplate",
    "UserFilter",
    "build_identity_app",
    "owns",
]
