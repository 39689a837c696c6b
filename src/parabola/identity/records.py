"""What the identity server remembers, as plain records. Times are integer milliseconds since the epoch.

Records carry no behaviour beyond what one of their own fields says; the rules are in `verification.py`,
`sign_up_rules.py` and `lifetimes.py`, the shapes that clients see in `shapes.py`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SessionStatus = Literal["active", "ended", "removed", "revoked", "expired", "replaced", "abandoned"]
VerificationStatus = Literal["unverified", "verified", "expired", "failed"]
SignInStatus = Literal["needs_identifier", "needs_first_factor", "needs_new_password", "complete"]


class Verification(msgspec.Struct):
    """Whether somebody has proven something: by which means, with how many tries, and until when they may."""

    status: VerificationStatus = "unverified"
    strategy: str | None = None
    attempts: int | None = None
    expire_at: int | None = None
    code_hash: str | None = None


class User(msgspec.Struct):
    """One account."""

    id: str
    created_at: int
    updated_at: int
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    external_id: str | None = None
    primary_email_address_id: str | None = None
    profile_image_id: str | None = None
    password_enabled: bool = False
    public_metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    private_metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    unsafe_metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    last_sign_in_at: int | None = None
    last_active_at: int | None = None
    legal_accepted_at: int | None = None
    banned: bool = False
    # Set by the Backend API, until it unlocks; a lock-out after wrong passwords has `locked_until` instead.
    locked: bool = False
    locked_until: int | None = None
    # Consecutive tries that did not succeed. Counted before a password is checked, cleared by a success.
    failed_attempts: int = 0

    @property
    def full_name(self) -> str | None:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


class EmailAddress(msgspec.Struct):
    """An address of a user; `address` is lower-case and unique over all users."""

    id: str
    user_id: str
    address: str
    created_at: int
    updated_at: int
    verification: Verification = msgspec.field(default_factory=Verification)

    @property
    def is_verified(self) -> bool:
        return self.verification.status == "verified"


class Client(msgspec.Struct):
    """One browser: it holds sessions, and at most one sign-in and one sign-up under way."""

    id: str
    created_at: int
    updated_at: int
    last_active_session_id: str | None = None
    last_authentication_strategy: str | None = None
    sign_in_id: str | None = None
    sign_up_id: str | None = None


class Device(msgspec.Struct):
    """What is known of the machine behind a session, for the list in the profile dialog."""

    browser_name: str | None = None
    is_mobile: bool = False
    ip_address: str | None = None


class Session(msgspec.Struct):
    """One user being signed in at one client."""

    id: str
    client_id: str
    user_id: str
    created_at: int
    updated_at: int
    last_active_at: int
    expire_at: int
    abandon_at: int
    first_factor_at: int
    status: SessionStatus = "active"
    device: Device = msgspec.field(default_factory=Device)


class SignIn(msgspec.Struct, tag="sign_in"):
    """An attempt to sign in. Without `user_id` and with an `identifier`, the account does not exist and may not be
    told apart (enumeration protection).
    """

    id: str
    client_id: str
    created_at: int
    abandon_at: int
    status: SignInStatus = "needs_identifier"
    identifier: str | None = None
    user_id: str | None = None
    email_address_id: str | None = None
    first_factor: Verification | None = None
    created_session_id: str | None = None


class SignUp(msgspec.Struct, tag="sign_up"):
    """An attempt to make an account, field by field. The password is hashed as soon as it arrives."""

    id: str
    client_id: str
    created_at: int
    abandon_at: int
    email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    password_hash: str | None = None
    unsafe_metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    locale: str | None = None
    legal_accepted_at: int | None = None
    verification: Verification = msgspec.field(default_factory=Verification)
    created_user_id: str | None = None
    created_session_id: str | None = None


Attempt = SignIn | SignUp


class SigningKey(msgspec.Struct):
    """An RSA key that signs tokens. A retired one signs no more and stays published until its tokens have expired."""

    id: str
    private_pem: str
    created_at: int
    retired_at: int | None = None


class ProfileImage(msgspec.Struct):
    """A picture that a user uploaded."""

    id: str
    user_id: str
    media_type: str
    content: bytes
