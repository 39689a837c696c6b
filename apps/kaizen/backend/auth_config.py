"""Who may sign in: holders of a Clerk token made from the JWT template named `convex`."""

from __future__ import annotations

import os

from parabola import auth

ISSUER_VARIABLE = "CLERK_JWT_ISSUER_DOMAIN"

_issuer = os.environ.get(ISSUER_VARIABLE)
if not _issuer:
    # Starting without an issuer would make every sign-in fail later, far away from the cause.
    raise RuntimeError(
        f"The environment variable {ISSUER_VARIABLE} is not set. "
        f"Set it to the issuer of your Clerk instance, for example https://your-app.clerk.accounts.dev."
    )

providers = [auth.oidc(domain=_issuer, application_id="convex")]
