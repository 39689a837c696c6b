"""The JSON shapes that clerk-js reads (clerk spec, section 6). Pure: records in, plain objects out.

Nothing here ever copies `private_metadata`, a hash, a code or a secret: what is not named is not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from parabola.identity.lifetimes import minutes_since_first_factor
from parabola.identity.records import Client, EmailAddress, Session, SignIn, SignUp, User, Verification
from parabola.identity.sign_up_rules import (
    OPTIONAL_FIELDS,
    REQUIRED_FIELDS,
    missing_fields,
    status_of,
    unverified_fields,
)
from parabola.identity.verification import shown_status

Json = dict[str, Any]
CODE_STRATEGIES: Final = ("email_code", "reset_password_email_code")


def verification_shape(verification: Verification, now_ms: int) -> Json:
    return {
        "object": "verification",
        "status": shown_status(verification, now_ms),
        "strategy": verification.strategy,
        "attempts": verification.attempts,
        "expire_at": verification.expire_at,
    }


def email_address_shape(email: EmailAddress, now_ms: int) -> Json:
    return {
        "object": "email_address",
        "id": email.id,
        "email_address": email.address,
        "reserved": False,
        "verification": verification_shape(email.verification, now_ms),
        "linked_to": [],
        "matches_sso_connection": False,
        "created_at": email.created_at,
        "updated_at": email.updated_at,
    }


def user_shape(user: User, emails: Sequence[EmailAddress], image_url: str, now_ms: int, *, delete_self: bool) -> Json:
    return {
        "object": "user",
        "id": user.id,
        "external_id": user.external_id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "locale": None,
        "image_url": image_url,
        "has_image": user.profile_image_id is not None,
        "profile_image_id": user.profile_image_id,
        "primary_email_address_id": user.primary_email_address_id,
        "primary_phone_number_id": None,
        "primary_web3_wallet_id": None,
        "email_addresses": [email_address_shape(email, now_ms) for email in emails],
        "phone_numbers": [],
        "web3_wallets": [],
        "external_accounts": [],
        "enterprise_accounts": [],
        "saml_accounts": [],
        "passkeys": [],
        "organization_memberships": [],
        "password_enabled": user.password_enabled,
        "totp_enabled": False,
        "backup_code_enabled": False,
        "two_factor_enabled": False,
        "public_metadata": user.public_metadata,
        "unsafe_metadata": user.unsafe_metadata,
        "last_sign_in_at": user.last_sign_in_at,
        "create_organization_enabled": False,
        "create_organizations_limit": None,
        "delete_self_enabled": delete_self,
        "legal_accepted_at": user.legal_accepted_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


def public_user_data(user: User, primary: EmailAddress | None, image_url: str) -> Json:
    return {
        "user_id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "image_url": image_url,
        "has_image": user.profile_image_id is not None,
        "identifier": primary.address if primary else (user.username or ""),
        "username": user.username,
    }


def token_shape(jwt: str) -> Json:
    return {"object": "token", "jwt": jwt}


def session_shape(session: Session, user: Json | None, public_data: Json | None, jwt: str | None, now_ms: int) -> Json:
    """`user` is the user's shape; `jwt` a fresh session token, or None for a session that is over."""
    return {
        "object": "session",
        "id": session.id,
        "status": session.status,
        "user": user,
        "public_user_data": public_data,
        "last_active_at": session.last_active_at,
        "last_active_token": None if jwt is None else token_shape(jwt),
        "last_active_organization_id": None,
        "actor": None,
        "tasks": None,
        "factor_verification_age": [minutes_since_first_factor(session, now_ms), -1],
        "expire_at": session.expire_at,
        "abandon_at": session.abandon_at,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }


def session_activity_shape(session: Session, activity_id: str) -> Json:
    """A session as the profile's list of devices shows it."""
    return {
        **session_shape(session, None, None, None, session.last_active_at),
        "latest_activity": {
            "object": "session_activity",
            "id": activity_id,
            "browser_name": session.device.browser_name,
            "browser_version": None,
            "device_type": None,
            "ip_address": session.device.ip_address,
            "city": None,
            "country": None,
            "is_mobile": session.device.is_mobile,
        },
    }


def client_shape(client: Client, sessions: list[Json], sign_in: Json | None, sign_up: Json | None) -> Json:
    """`sessions` are the active ones."""
    active = [session["id"] for session in sessions]
    return {
        "object": "client",
        "id": client.id,
        "sessions": sessions,
        "sign_in": sign_in,
        "sign_up": sign_up,
        "last_active_session_id": client.last_active_session_id if client.last_active_session_id in active else None,
        "last_authentication_strategy": client.last_authentication_strategy,
        # Null keeps clerk-js from navigating away to have the cookie renewed; it is renewed by ordinary answers.
        "cookie_expires_at": None,
        "captcha_bypass": False,
        "created_at": client.created_at,
        "updated_at": client.updated_at,
    }


def sign_up_shape(sign_up: SignUp, now_ms: int, *, verify_email: bool) -> Json:
    complete = sign_up.created_user_id is not None
    return {
        "object": "sign_up",
        "id": sign_up.id,
        "status": status_of(sign_up, now_ms),
        "required_fields": list(REQUIRED_FIELDS),
        "optional_fields": list(OPTIONAL_FIELDS),
        "missing_fields": [] if complete else missing_fields(sign_up),
        "unverified_fields": [] if complete else unverified_fields(sign_up, verify_email=verify_email),
        "username": sign_up.username,
        "first_name": sign_up.first_name,
        "last_name": sign_up.last_name,
        "email_address": sign_up.email_address,
        "phone_number": None,
        "web3_wallet": None,
        "has_password": sign_up.password_hash is not None or complete,
        "unsafe_metadata": sign_up.unsafe_metadata,
        "external_account": None,
        "external_account_strategy": None,
        "created_session_id": sign_up.created_session_id,
        "created_user_id": sign_up.created_user_id,
        "abandon_at": sign_up.abandon_at,
        "legal_accepted_at": sign_up.legal_accepted_at,
        "locale": sign_up.locale,
        "verifications": {
            "email_address": _sign_up_verification(sign_up, now_ms, verify_email=verify_email),
            "phone_number": None,
            "web3_wallet": None,
            "external_account": None,
        },
    }


def _sign_up_verification(sign_up: SignUp, now_ms: int, *, verify_email: bool) -> Json | None:
    """The trap of section 6: `strategy` stays null until a code was really sent, or the UI waits for one for ever."""
    if not sign_up.email_address:
        return None
    if sign_up.verification.status == "verified" or not verify_email:
        next_action = ""
    else:
        next_action = "needs_prepare" if sign_up.verification.code_hash is None else "needs_attempt"
    return {
        **verification_shape(sign_up.verification, now_ms),
        "next_action": next_action,
        "supported_strategies": ["email_code"],
    }


def sign_in_shape(sign_in: SignIn, factors: list[Json] | None, user_data: Json | None, now_ms: int) -> Json:
    """`factors` is the list of first factors once the identifier is known."""
    return {
        "object": "sign_in",
        "id": sign_in.id,
        "status": sign_in.status,
        "supported_identifiers": ["email_address"],
        "identifier": sign_in.identifier,
        "supported_first_factors": factors,
        "supported_second_factors": None,
        "first_factor_verification": None
        if sign_in.first_factor is None
        else verification_shape(sign_in.first_factor, now_ms),
        "second_factor_verification": None,
        "user_data": user_data,
        "created_session_id": sign_in.created_session_id,
        "abandon_at": sign_in.abandon_at,
    }


def first_factors(*, has_password: bool, email_address_id: str | None, address: str) -> list[Json]:
    """How an account can be proven. The reset factor is what makes "Forgot password?" appear."""
    factors: list[Json] = [{"strategy": "password"}] if has_password else []
    if email_address_id is not None:
        for strategy in CODE_STRATEGIES:
            factors.append(
                {
                    "strategy": strategy,
                    "email_address_id": email_address_id,
                    "safe_identifier": address,
                    "primary": True,
                }
            )
    return factors


def deleted_shape(kind: str, deleted_id: str) -> Json:
    return {"object": kind, "id": deleted_id, "slug": None, "deleted": True}
