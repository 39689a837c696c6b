"""Which tokens are believed: wire sections 5.2 and 5.3, and the ways in which tokens are forged."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import tracemalloc
from typing import Any

import pytest

from parabola.auth import CustomJWTProvider, OIDCProvider, VerifiedToken
from parabola.auth.tokens import REMEMBERED_BETWEEN_SWEEPS, TokenVerifier
from parabola.errors import AuthProviderUnavailable, PeerError, Unauthenticated
from tests.scenarios.oidc_issuer import SigningKey, segment, unsigned_token
from tests.unit.auth.doubles import ISSUER, KEYS, Setting

OIDC_FAILED = "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired."
UNPARSABLE = (
    "Could not parse JWT payload. "
    "Check that the token is a valid JWT format with three base64-encoded parts separated by dots."
)


def verify(verifier: TokenVerifier, token: str) -> VerifiedToken:
    return asyncio.run(verifier.verify(token))


def refusal(verifier: TokenVerifier, token: str) -> tuple[str, str]:
    """The code and text with which a token is refused."""
    with pytest.raises(Unauthenticated) as refused:
        verify(verifier, token)
    answer = refused.value.code, refused.value.message
    # The quick way may leave a token to the slow one, but must never believe what that one refuses.
    assert at_hand(verifier, token) in (None, answer)
    return answer


def at_hand(verifier: TokenVerifier, token: str) -> VerifiedToken | tuple[str, str] | None:
    try:
        return verifier.verify_at_hand(token)
    except Unauthenticated as error:
        return error.code, error.message


def custom(**changes: Any) -> CustomJWTProvider:
    return CustomJWTProvider(
        **{"issuer": ISSUER, "jwks": KEYS, "algorithm": "RS256", "application_id": None, **changes}
    )


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_an_oidc_token_signed_with_rs256_or_eddsa_is_accepted(algorithm: str) -> None:
    setting = Setting(algorithm=algorithm)
    verified = verify(setting.verifier, setting.token())
    assert verified.identity.token_identifier == f"{ISSUER}|alice"
    assert verified.expires_at_s == setting.now + 600


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_custom_token_signed_with_the_configured_algorithm_is_accepted(algorithm: str) -> None:
    setting = Setting(custom(algorithm=algorithm), algorithm=algorithm)
    assert verify(setting.verifier, setting.token()).identity.subject == "alice"


def test_a_token_is_verified_without_waiting_once_the_keys_are_at_hand() -> None:
    setting = Setting()
    token = setting.token()
    assert setting.verifier.verify_at_hand(token) is None
    first = verify(setting.verifier, token)
    assert setting.verifier.verify_at_hand(token) is first
    assert setting.verifier.verify_at_hand(setting.token(sub="bob")) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -1},
        {"exp": 0},
        {"iat": 3600},
        {"nbf": 60},
        {"aud": ["parabola", "other"]},
    ],
    ids=["expired", "expires now", "issued in an hour", "not valid yet", "two audiences"],
)
def test_an_oidc_token_that_does_not_hold_now_is_refused(changes: dict[str, Any]) -> None:
    setting = Setting()
    moved = {name: value if isinstance(value, list) else setting.now + value for name, value in changes.items()}
    assert refusal(setting.verifier, setting.token(**moved)) == ("Unauthenticated", OIDC_FAILED)


@pytest.mark.parametrize("missing", ["exp", "iat", "sub"])
def test_an_oidc_token_without_a_required_claim_is_not_an_id_token(missing: str) -> None:
    setting = Setting()
    assert refusal(setting.verifier, setting.token(**{missing: None}))[0] == "InvalidAuthHeader"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["2099-01-01", True, [1]])
def test_a_time_claim_of_the_wrong_type_is_refused(claim: str, value: object) -> None:
    # PyJWT itself refuses to write such times, so the token is signed by hand.
    setting = Setting()
    token = sign_by_hand(setting.key, {"alg": "RS256", "kid": "key-1"}, {**setting.claims(), claim: value})
    assert refusal(setting.verifier, token)[0] == "InvalidAuthHeader"


def test_a_token_whose_expiry_passes_is_no_longer_remembered_as_good() -> None:
    setting = Setting()
    token = setting.token(exp=setting.now + 10)
    verify(setting.verifier, token)
    setting.clock.advance(10)
    assert refusal(setting.verifier, token) == ("Unauthenticated", OIDC_FAILED)


def test_remembered_tokens_are_small_and_make_room_when_they_have_expired() -> None:
    setting = Setting()
    verify(setting.verifier, setting.token())
    tokens = [setting.token(sub=f"user-{number}", exp=setting.now + 60) for number in range(200)]
    later = [setting.token(sub=f"later-{number}", exp=setting.now + 600) for number in range(REMEMBERED_BETWEEN_SWEEPS)]
    gc.collect()
    tracemalloc.start()
    try:
        for token in tokens:
            verify(setting.verifier, token)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        assert held < 200 * 3_000
        setting.clock.advance(60)
        for token in later:
            verify(setting.verifier, token)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < held / 2
    finally:
        tracemalloc.stop()


def test_a_custom_token_has_five_seconds_of_leeway_and_no_more() -> None:
    setting = Setting(custom())
    token = setting.token(exp=setting.now + 10)
    setting.clock.advance(14)
    assert not verify(setting.verifier, token).has_expired(setting.verifier.now_s())
    setting.clock.advance(1)
    assert refusal(setting.verifier, token) == ("InvalidAuthHeader", "Could not validate token: it has expired")
    assert verify(setting.verifier, setting.token(nbf=setting.now + 5)).identity.subject == "alice"
    assert refusal(setting.verifier, setting.token(nbf=setting.now + 6)) == (
        "InvalidAuthHeader",
        "Could not validate token: it is not valid yet",
    )


def test_a_custom_token_needs_subject_and_expiry_and_its_audience_if_one_is_configured() -> None:
    setting = Setting(custom(), custom(issuer="https://other.example", application_id="app"))
    assert refusal(setting.verifier, setting.token(sub=None)) == ("InvalidAuthHeader", "Missing subject")
    assert refusal(setting.verifier, setting.token(exp=None)) == ("InvalidAuthHeader", "Missing expiry")
    assert verify(setting.verifier, setting.token(aud=None)).identity.subject == "alice"
    assert (
        refusal(setting.verifier, setting.token(iss="https://other.example", aud="not the app"))[0] == "NoAuthProvider"
    )


def test_a_token_of_an_unknown_issuer_or_audience_names_the_configured_providers() -> None:
    setting = Setting(OIDCProvider(ISSUER, "parabola"), custom(issuer="https://other.example"))
    described = f"[OIDC(domain={ISSUER}, app_id=parabola), CustomJWT(issuer=https://other.example, app_id=none)]"
    expected = (
        "NoAuthProvider",
        "No auth provider found matching the given token. Check that your JWT's issuer and audience match one of your "
        f"configured providers: {described}",
    )
    assert refusal(setting.verifier, setting.token(iss="https://evil.example")) == expected
    assert refusal(setting.verifier, setting.token(aud="another app")) == expected
    assert (
        refusal(Setting(redact=True).verifier, setting.token(aud="x"))[1]
        == "No auth provider found matching the given token"
    )


def test_without_providers_every_token_is_refused_with_a_hint() -> None:
    setting = Setting()
    verifier = TokenVerifier([], clock=setting.clock, fetch=setting.documents.fetch)
    assert refusal(verifier, setting.token()) == (
        "NoAuthProvider",
        "No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts.",
    )


@pytest.mark.parametrize("spelling", ["issuer.example", f"{ISSUER}/"])
def test_an_issuer_matches_with_or_without_scheme_and_trailing_slash(spelling: str) -> None:
    setting = Setting(OIDCProvider(spelling, "parabola"))
    assert verify(setting.verifier, setting.token()).identity.issuer == ISSUER
    # The identifier keeps the issuer exactly as the token has it.
    assert verify(setting.verifier, setting.token(iss=spelling)).identity.token_identifier == f"{spelling}|alice"


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "a.b.c", "a.b.c.d", "eyJ9.eyJ9.", "..", "not a token at all", "é.é.é"]
)
def test_a_text_that_is_no_jwt_is_refused(text: str) -> None:
    assert refusal(Setting().verifier, text) == ("InvalidAuthHeader", UNPARSABLE)


def test_an_overlong_token_is_refused_before_it_is_decoded() -> None:
    setting = Setting()
    assert refusal(setting.verifier, setting.token(filler="x" * 70_000)) == ("InvalidAuthHeader", UNPARSABLE)


def test_a_token_without_issuer_is_refused_saying_so() -> None:
    setting = Setting()
    code, text = refusal(setting.verifier, setting.token(iss=None))
    assert code == "InvalidAuthHeader"
    assert text.startswith("Missing issuer claim ('iss') in JWT payload.")


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign_by_hand(key: SigningKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """An RS256 signature over a header and claims that PyJWT would not write."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    assert isinstance(key.private, rsa.RSAPrivateKey)
    signing_input = f"{segment(header)}.{segment(claims)}"
    signature = key.private.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing_input}.{unpadded(signature)}"


def forgeries(setting: Setting) -> dict[str, str]:
    """Tokens for a good user that nobody with the provider's key has signed."""
    claims = setting.claims()
    thief = SigningKey("thief")
    head, body, signature = setting.token().split(".")
    hmac_input = f"{segment({'alg': 'HS256', 'kid': 'key-1'})}.{segment(claims)}"
    hmac_signature = hmac.new(setting.key.public_pem(), hmac_input.encode(), hashlib.sha256).digest()
    return {
        "alg none": unsigned_token({"alg": "none", "kid": "key-1"}, claims),
        "alg none with a signature": unsigned_token({"alg": "none", "kid": "key-1"}, claims, b"x"),
        "no signature": unsigned_token({"alg": "RS256", "kid": "key-1"}, claims),
        "alg None with capital": unsigned_token({"alg": "nOnE", "kid": "key-1"}, claims, b"x"),
        "no alg": unsigned_token({"kid": "key-1"}, claims, b"x"),
        "HS256 keyed with the public key": f"{hmac_input}.{unpadded(hmac_signature)}",
        "another key under our key id": thief.sign(claims, kid="key-1"),
        "embedded jwk": thief.sign(claims, kid="key-1", jwk=thief.jwk()),
        "embedded jwk without key id": sign_by_hand(thief, {"alg": "RS256", "jwk": thief.jwk()}, claims),
        "jku of the thief": thief.sign(claims, kid="thief", jku="https://thief.example/keys"),
        "x5u of the thief": thief.sign(claims, kid="thief", x5u="https://thief.example/cert"),
        "unknown key id": setting.key.sign(claims, kid="key-2"),
        "RS512 of the right key": _rs512(setting.key, claims),
        "tampered payload": f"{head}.{segment({**claims, 'sub': 'mallory'})}.{signature}",
        "tampered signature": f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "critical extension": setting.key.sign(claims, crit=["b64"], b64=True),
    }


def _rs512(key: SigningKey, claims: dict[str, Any]) -> str:
    import jwt

    return jwt.encode(claims, key.private, algorithm="RS512", headers={"kid": key.key_id})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["oidc", "custom"])
@pytest.mark.parametrize("forgery", sorted(forgeries(Setting())))
def test_a_forged_token_is_refused_and_never_causes_a_fetch_from_elsewhere(kind: str, forgery: str) -> None:
    setting = Setting() if kind == "oidc" else Setting(custom())
    code, text = refusal(setting.verifier, forgeries(setting)[forgery])
    assert code in ("Unauthenticated", "InvalidAuthHeader")
    if kind == "oidc" and forgery != "critical extension":
        assert text == OIDC_FAILED
    assert all(url.startswith(ISSUER) for url in setting.documents.fetches)


def test_a_signature_may_not_be_spelled_in_two_ways() -> None:
    # 256 bytes leave four unused bits in the last character; a lenient decoder ignores them.
    setting = Setting()
    token = setting.token()
    last = token[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = token[:-1] + alphabet[alphabet.index(last) ^ 1]
    assert refusal(setting.verifier, respelled) == ("InvalidAuthHeader", UNPARSABLE)


def test_a_symmetric_key_in_the_key_set_is_never_used() -> None:
    setting = Setting()
    secret = b"0" * 32
    setting.documents.extra_jwks = [{"kty": "oct", "kid": "shared", "alg": "HS256", "k": unpadded(secret)}]
    signing_input = f"{segment({'alg': 'HS256', 'kid': 'shared'})}.{segment(setting.claims())}"
    mac = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
    token = f"{signing_input}.{unpadded(mac)}"
    assert refusal(setting.verifier, token) == ("Unauthenticated", OIDC_FAILED)


def test_an_encryption_key_and_a_key_of_another_algorithm_do_not_verify_signatures() -> None:
    setting = Setting()
    described = setting.key.jwk()
    for change in ({"use": "enc"}, {"alg": "RS512"}, {"key_ops": ["encrypt"]}):
        setting = Setting()
        setting.documents.keys = []
        setting.documents.extra_jwks = [{**described, **change}]
        assert refusal(setting.verifier, setting.token()) == ("Unauthenticated", OIDC_FAILED)


def test_unusable_entries_of_a_key_set_do_not_spoil_the_others() -> None:
    setting = Setting()
    setting.documents.extra_jwks = [
        {},
        {"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "kid": "broken", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "broken", "x": 5},
        {"kty": "RSA", "kid": "half"},
        {"kty": "unheard-of"},
    ]
    assert verify(setting.verifier, setting.token()).identity.subject == "alice"


def test_a_custom_token_with_unknown_or_missing_key_id_gets_the_specified_text() -> None:
    setting = Setting(custom())
    unknown = setting.key.sign(setting.claims(), kid="key-9")
    assert refusal(setting.verifier, unknown) == (
        "InvalidAuthHeader",
        "Could not decode token. The JWT's 'kid' (key ID) header is 'key-9', "
        "does this key match any key in the provider's JWKS?",
    )
    without = sign_by_hand(setting.key, {"alg": "RS256"}, setting.claims())
    assert refusal(setting.verifier, without) == (
        "InvalidAuthHeader",
        "Could not decode token. JWT may be missing a 'kid' (key ID) header.",
    )
    redacted = Setting(custom(), redact=True).verifier
    assert "key-9" not in refusal(redacted, unknown)[1]


def test_an_oidc_token_without_key_id_is_checked_with_the_only_suitable_key() -> None:
    setting = Setting()
    token = sign_by_hand(setting.key, {"alg": "RS256"}, setting.claims())
    assert verify(setting.verifier, token).identity.subject == "alice"
    setting.documents.keys.append(SigningKey("key-2"))
    other = Setting()
    other.documents.keys = setting.documents.keys
    assert refusal(other.verifier, token) == ("Unauthenticated", OIDC_FAILED)


def test_a_clerk_style_header_with_unknown_fields_is_accepted() -> None:
    setting = Setting()
    token = setting.key.sign(setting.claims(), cat="cl_B7d4PD222AAA", x5t="abc")
    assert verify(setting.verifier, token).identity.subject == "alice"


def test_an_outage_says_nothing_about_the_token() -> None:
    setting = Setting()
    setting.documents.reachable = False
    with pytest.raises(
        AuthProviderUnavailable, match=r"Auth provider discovery of https://issuer\.example failed: connection refused"
    ):
        verify(setting.verifier, setting.token())


def test_a_wrong_algorithm_is_refused_without_asking_the_provider() -> None:
    setting = Setting()
    refusal(setting.verifier, forgeries(setting)["alg none"])
    assert not setting.documents.fetches


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, (404, "NotFound")), (401, (401, "Unauthenticated")), (400, (400, "BadRequest")), (302, (400, "BadRequest"))],
)
def test_discovery_that_answers_with_an_error_status_is_reported_in_its_class(
    status: int, expected: tuple[int, str]
) -> None:
    setting = Setting()
    setting.documents.status = status
    with pytest.raises(PeerError) as failed:
        verify(setting.verifier, setting.token())
    assert (failed.value.status, type(failed.value).__name__) == expected
    assert failed.value.code == "AuthProviderDiscoveryFailed"
    assert failed.value.message.startswith(f"Auth provider discovery of {ISSUER} failed: {status} ")


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example", "jwks_uri": KEYS},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": "http://issuer.example/keys"},
        {"jwks_uri": KEYS},
    ],
)
def test_a_discovery_document_that_cannot_be_trusted_is_refused(discovery: dict[str, Any]) -> None:
    setting = Setting()
    setting.documents.discovery = discovery
    with pytest.raises(PeerError, match=r"Auth provider discovery of https://issuer\.example failed"):
        verify(setting.verifier, setting.token())


def test_the_key_set_of_a_custom_provider_must_be_json_and_say_so() -> None:
    for content_type, accepted in [
        ("application/jwk-set+json", True),
        ("application/json; charset=UTF-8", True),
        ("application/json; charset=latin-1", False),
        ("text/html", False),
        (None, False),
    ]:
        setting = Setting(custom())
        setting.documents.content_type = content_type
        if accepted:
            verify(setting.verifier, setting.token())
        else:
            code, text = refusal(setting.verifier, setting.token())
            assert code == "InvalidAuthHeader"
            assert text.startswith(f"Invalid Content-Type '{content_type or ''}' when fetching JWKS from '{KEYS}'.")


@pytest.mark.parametrize("head", ["data:application/json,", "data:text/plain;charset=utf-8;base64,"])
def test_a_key_set_may_be_written_into_the_configuration_as_a_data_uri(head: str) -> None:
    key = SigningKey("key-1")
    text = json.dumps({"keys": [key.jwk()]})
    data = base64.b64encode(text.encode()).decode() if "base64" in head else text
    setting = Setting(custom(jwks=head + data))
    assert verify(setting.verifier, setting.token()).identity.subject == "alice"
    assert not setting.documents.fetches
