"""Accounts as their operator sees them: the Backend API and the command line (clerk spec, section 15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from parabola.identity import shapes
from parabola.identity.failures import bad_parameter, missing_parameter, not_found, password_incorrect
from parabola.identity.flows import lock_out
from parabola.identity.flows.desk import Call, Desk
from parabola.identity.flows.profile import delete_user
from parabola.identity.parts import Parts
from parabola.identity.passwords import check_new_password
from parabola.identity.records import EmailAddress, User, Verification
from parabola.identity.sign_up_rules import (
    checked_address,
    checked_metadata,
    checked_name,
    checked_username,
    merged_metadata,
)
from parabola.identity.store.work import Work

Json = dict[str, Any]
METADATA = ("public_metadata", "private_metadata", "unsafe_metadata")
T = TypeVar("T")
OPERATOR = Call(address="operator")


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users; every filter that is given must match."""

    ids: Sequence[str] = ()
    addresses: Sequence[str] = ()
    usernames: Sequence[str] = ()
    external_ids: Sequence[str] = ()
    query: str | None = None

    def as_arguments(self) -> dict[str, Any]:
        return {
            "ids": self.ids,
            "addresses": self.addresses,
            "usernames": self.usernames,
            "external_ids": self.external_ids,
            "query": self.query,
        }


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be made by an operator. Addresses count as verified; the first is the primary one."""

    email_addresses: Sequence[str]
    password: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)
    skip_password_checks: bool = False
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    external_id: str | None = None
    public_metadata: Json = field(default_factory=dict[str, Any])
    private_metadata: Json = field(default_factory=dict[str, Any])
    unsafe_metadata: Json = field(default_factory=dict[str, Any])


class Users:
    """All accounts. Raises `ClerkFailure` with the codes of the Backend API."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(
        self, wanted: UserFilter, *, newest_first: bool = True, limit: int = 10, offset: int = 0
    ) -> list[Json]:
        def step(work: Work) -> list[Json]:
            desk = Desk(self._parts, work, OPERATOR)
            found = work.find_users(**wanted.as_arguments(), newest_first=newest_first, limit=limit, offset=offset)
            return [operator_json(desk, user) for user in found]

        return await self._parts.store.transact(step)

    async def count(self, wanted: UserFilter) -> int:
        return await self._parts.store.transact(lambda work: work.count_users(**wanted.as_arguments()))

    async def get(self, user_id: str) -> Json:
        return await self._on(user_id, lambda desk, user: operator_json(desk, user))

    async def create(self, new: NewUser) -> Json:
        """Raises 422 for what a sign-up would refuse as well."""
        if not new.email_addresses:
            raise missing_parameter("email_address")
        addresses = [checked_address(address) for address in new.email_addresses]
        password_hash = new.password_hash
        if new.password is not None:
            if not new.skip_password_checks:
                check_new_password(new.password, address=addresses[0])
            password_hash = await self._parts.passwords.hash(new.password)
        elif password_hash is not None and not self._parts.passwords.is_hash(password_hash):
            raise bad_parameter("password_digest", "The digest is not an argon2id hash.")
        first, last = (checked_name(new.first_name or "", "first_name"), checked_name(new.last_name or "", "last_name"))
        username = checked_username(new.username or "")

        def step(work: Work) -> Json:
            desk = Desk(self._parts, work, OPERATOR)
            user = User(
                id=self._parts.chance.id("user"),
                created_at=desk.now_ms,
                updated_at=desk.now_ms,
                first_name=first,
                last_name=last,
                username=username,
                external_id=new.external_id or None,
                password_enabled=password_hash is not None,
                public_metadata=checked_metadata(new.public_metadata, "public_metadata"),
                private_metadata=checked_metadata(new.private_metadata, "private_metadata"),
                unsafe_metadata=checked_metadata(new.unsafe_metadata, "unsafe_metadata"),
            )
            work.save_user(user)
            for address in addresses:
                email = EmailAddress(self._parts.chance.id("idn"), user.id, address, desk.now_ms, desk.now_ms)
                email.verification = Verification("verified", "admin")
                work.save_email(email)
                user.primary_email_address_id = user.primary_email_address_id or email.id
            work.save_user(user)
            work.set_password_hash(user.id, password_hash)
            return operator_json(desk, user)

        return await self._parts.store.transact(step)

    async def update(self, user_id: str, changes: Json) -> Json:
        """`changes` as the Backend API names them; a name that is absent leaves its value."""
        checked = _checked_changes(changes)
        password, password_hash = changes.get("password"), None
        if password is not None:
            if not isinstance(password, str):
                raise bad_parameter("password", "The password must be text.")
            if changes.get("skip_password_checks") is not True:
                check_new_password(password, address=None)
            password_hash = await self._parts.passwords.hash(password)

        def step(desk: Desk, user: User) -> Json:
            primary = changes.get("primary_email_address_id")
            if primary is not None:
                email = desk.work.email_address(str(primary))
                if email is None or email.user_id != user.id:
                    raise not_found("e-mail address")
                user.primary_email_address_id = email.id
            for name, value in checked.items():
                setattr(user, name, value)
            if password_hash is not None:
                desk.work.set_password_hash(user.id, password_hash)
                user.password_enabled = True
                if changes.get("sign_out_of_other_sessions") is True:
                    desk.end_sessions(desk.work.active_sessions_of_user(user.id), "revoked")
            return _saved(desk, user)

        return await self._on(user_id, step)

    async def merge_metadata(self, user_id: str, changes: Json) -> Json:
        """Deep merge; null deletes."""

        def step(desk: Desk, user: User) -> Json:
            for name in METADATA:
                if changes.get(name) is not None:
                    merged = merged_metadata(getattr(user, name), checked_metadata(changes[name], name))
                    setattr(user, name, checked_metadata(merged, name))
            return _saved(desk, user)

        return await self._on(user_id, step)

    async def delete(self, user_id: str) -> Json:
        def step(desk: Desk, user: User) -> Json:
            delete_user(desk, user)
            return shapes.deleted_shape("user", user.id)

        return await self._on(user_id, step)

    async def set_banned(self, user_id: str, banned: bool) -> Json:
        """A ban ends all sessions."""

        def step(desk: Desk, user: User) -> Json:
            user.banned = banned
            if banned:
                desk.end_sessions(desk.work.active_sessions_of_user(user.id), "revoked")
            return _saved(desk, user)

        return await self._on(user_id, step)

    async def set_locked(self, user_id: str, locked: bool) -> Json:
        """A lock keeps from signing in, and leaves sessions alone. Unlocking also ends a lock-out."""

        def step(desk: Desk, user: User) -> Json:
            user.locked = locked
            if not locked:
                user.locked_until, user.failed_attempts = None, 0
            return _saved(desk, user)

        return await self._on(user_id, step)

    async def verify_password(self, user_id: str, password: str) -> Json:
        """`{"verified": true}`, or 422 `form_password_incorrect`."""
        stored = await self._on(user_id, lambda desk, user: desk.work.password_hash(user.id))
        if stored is None:
            raise bad_parameter("password", "This account has no password.")
        if not (await self._parts.passwords.verify(stored, password)).is_right:
            raise password_incorrect()
        return {"verified": True}

    async def _on(self, user_id: str, step: Callable[[Desk, User], T]) -> T:
        def run(work: Work) -> T:
            user = work.user(user_id)
            if user is None:
                raise not_found("user")
            return step(Desk(self._parts, work, OPERATOR), user)

        return await self._parts.store.transact(run)


def operator_json(desk: Desk, user: User) -> Json:
    """A user with what only operators see."""
    limits = desk.parts.settings.rate_limits
    locked_s = lock_out.seconds_locked(user, desk.now_ms)
    shape = desk.user_json(user)
    for email, email_shape in zip(desk.work.emails_of(user.id), shape["email_addresses"], strict=True):
        email_shape["verification"] = _admin_verification(email)
    return {
        **shape,
        "private_metadata": user.private_metadata,
        "banned": user.banned,
        "locked": user.locked or locked_s > 0,
        "lockout_expires_in_seconds": locked_s or None,
        "verification_attempts_remaining": max(0, limits.failures_until_locked - user.failed_attempts),
        "mfa_enabled_at": None,
        "mfa_disabled_at": None,
        "last_active_at": user.last_active_at,
    }


def _admin_verification(email: EmailAddress) -> Json | None:
    """The one verification shape that Clerk's SDK was seen to take; null for an address that nobody has proven."""
    if not email.is_verified:
        return None
    return {
        "object": "verification_admin",
        "status": "verified",
        "strategy": "admin",
        "attempts": None,
        "expire_at": None,
    }


def _saved(desk: Desk, user: User) -> Json:
    user.updated_at = desk.now_ms
    desk.work.save_user(user)
    return operator_json(desk, user)


def _checked_changes(changes: Json) -> Json:
    checked: Json = {}
    for name in ("first_name", "last_name", "username", "external_id"):
        if name not in changes:
            continue
        value = changes[name]
        if value is not None and not isinstance(value, str):
            raise bad_parameter(name, f"{name} must be text or null.")
        if name == "username":
            checked[name] = checked_username(value or "")
        elif name == "external_id":
            checked[name] = value or None
        else:
            checked[name] = checked_name(value or "", name)
    for name in METADATA:
        if changes.get(name) is not None:
            checked[name] = checked_metadata(changes[name], name)
    return checked
