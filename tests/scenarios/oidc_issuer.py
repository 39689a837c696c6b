"""A small real OpenID Connect issuer on loopback: discovery, a key set, and tokens, over real sockets.

Tokens are signed with PyJWT, so that what the backend believes is checked against a library it does not use. It can be
made to misbehave: keys can be rotated, the server can stop answering, and each document counts how often it was
fetched.
"""

from __future__ import annotations

import base64
import functools
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@functools.cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """An RSA key that tests share by name: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class SigningKey:
    """A key pair with its id, able to sign tokens and to describe its public half as a JWK."""

    def __init__(self, key_id: str, algorithm: str = "RS256") -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.private: PrivateKey
        if algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
        elif algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa_key(key_id)

    def jwk(self) -> dict[str, Any]:
        algorithms = jwt.algorithms.get_default_algorithms()
        described: dict[str, Any] = json.loads(algorithms[self.algorithm].to_jwk(self.private.public_key()))
        described.pop("key_ops", None)
        return {**described, "kid": self.key_id, "alg": self.algorithm, "use": "sig"}

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers={"kid": self.key_id, **headers})


def segment(value: object) -> str:
    """A JSON value as one unpadded base64url part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def unsigned_token(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand, for headers that no library would write."""
    return f"{segment(header)}.{segment(claims)}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class OidcIssuer:
    """The issuer. Use as a context manager; `url` is its issuer URL."""

    def __init__(self, algorithm: str = "RS256") -> None:
        self.keys = [SigningKey("key-1", algorithm)]
        self.fetches: Counter[str] = Counter()
        self.answering = True
        self.discovery_changes: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> OidcIssuer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/keys"

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.jwk() for key in self.keys]}

    def rotate(self, key_id: str, algorithm: str = "RS256") -> None:
        """A new signing key takes the place of all others."""
        self.keys = [SigningKey(key_id, algorithm)]

    def claims(
        self, subject: str = "alice", *, lifetime_s: float = 600, now_s: float | None = None, **more: Any
    ) -> dict[str, Any]:
        """The claims of a token as it should be. A claim given as None is left out."""
        now = int(time.time() if now_s is None else now_s)
        claims = {"iss": self.url, "sub": subject, "aud": "parabola", "iat": now, "exp": now + lifetime_s, **more}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, subject: str = "alice", *, lifetime_s: float = 600, now_s: float | None = None, **more: Any) -> str:
        """A token signed with the newest key."""
        return self.keys[-1].sign(self.claims(subject, lifetime_s=lifetime_s, now_s=now_s, **more))

    def _documents(self) -> dict[str, Any]:
        discovery = {
            "issuer": self.url,
            "jwks_uri": self.jwks_url,
            "authorization_endpoint": f"{self.url}/authorize",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.discovery_changes,
        }
        return {"/.well-known/openid-configuration": discovery, "/keys": self.jwks()}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches[self.path] += 1
                document = issuer._documents().get(self.path)
                status = 503 if not issuer.answering else 404 if document is None else 200
                body = b"down for maintenance" if status == 503 else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing: test output is for tests."""

        return Handler
