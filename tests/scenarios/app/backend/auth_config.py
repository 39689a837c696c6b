"""Whoever started the server says which issuer it trusts; with none named, nobody can sign in."""

import os

from parabola import auth

_issuer = os.environ.get("SCENARIO_ISSUER")
providers = [auth.oidc(domain=_issuer, application_id="parabola")] if _issuer else []
