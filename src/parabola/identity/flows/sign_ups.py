"""Making an account, all at once or field by field (clerk spec, section 5.1).

Fields may come in any order and over several requests. As soon as nothing is missing and nothing is left to verify,
user, address, password and session are made in one transaction; the unique index on addresses has the last word on who
came first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from parabola.identity import shapes
from parabola.identity.failures import (
    ClerkFailure,
    identifier_exists,
    missing_parameter,
    not_found,
    strategy_invalid,
    unknown_parameter,
)
from parabola.identity.flows import codes
from parabola.identity.flows.desk import ATTEMPT_LIFETIME_MS, Call, Desk, Reply
from parabola.identity.mail import Message
from parabola.identity.parts import Parts
from parabola.identity.passwords import check_new_password
from parabola.identity.records import EmailAddress, SignUp, User, Verification
from parabola.identity.sign_up_rules import (
    checked_address,
    checked_metadata,
    checked_name,
    checked_username,
    is_ready,
    is_test_address,
)
from parabola.identity.store.work import Work

Json = dict[str, Any]
NOT_OFFERED: Final = ("phone_number", "web3_wallet", "ticket", "token", "external_account_token")
STRATEGIES: Final = (None, "password", "email_code")


@dataclass(slots=True)
class _Fields:
    """What a request sets, checked. `changes` are attributes of the sign-up."""

    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    password: str | None = None


class SignUps:
    """Sign-up attempts of all browsers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, call: Call) -> Reply:
        """Starts an attempt, in place of an earlier one."""
        settings = self._parts.settings
        address = call.given("email_address") or ""
        if not (settings.is_development and is_test_address(address)):
            self._parts.throttle.admit("sign_up", call.address, settings.rate_limits.sign_ups)
        if settings.sign_up_mode == "restricted":
            raise ClerkFailure(
                400,
                "sign_up_mode_restricted",
                "Sign ups are currently disabled",
                long_message="Sign-ups are closed here. Ask whoever runs this site for an account.",
            )
        fields = _read_fields(call)

        def check(work: Work) -> None:
            Desk(self._parts, work, call).refuse_second_session()
            _refuse_taken(work, fields.changes)

        # What will be refused anyway should not cost a hash. The last word is said below.
        await self._parts.store.transact(check)
        password_hash = await self._hash(fields, None)

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            desk.refuse_second_session()
            client = desk.ensure_client()
            work.delete_attempt(client.sign_up_id)
            sign_up = SignUp(self._parts.chance.id("sua"), client.id, desk.now_ms, desk.now_ms + ATTEMPT_LIFETIME_MS)
            client.sign_up_id = sign_up.id
            return self._apply(desk, sign_up, fields, password_hash)

        return await self._parts.store.transact(step)

    async def update(self, call: Call, sign_up_id: str) -> Reply:
        """Sets more fields of an attempt."""
        fields = _read_fields(call)
        known = await self._parts.store.transact(lambda work: _own(Desk(self._parts, work, call), sign_up_id))
        password_hash = await self._hash(fields, known.email_address)

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            sign_up = _open(desk, sign_up_id)
            desk.refuse_second_session()
            return self._apply(desk, sign_up, fields, password_hash)

        return await self._parts.store.transact(step)

    async def get(self, call: Call, sign_up_id: str) -> Reply:
        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            return desk.reply(self._shape(desk, _own(desk, sign_up_id)))

        return await self._parts.store.transact(step)

    async def prepare_verification(self, call: Call, sign_up_id: str) -> Reply:
        """Sends a code to the address."""
        strategy = call.given("strategy")
        if strategy is None:
            raise missing_parameter("strategy")
        if strategy != "email_code":
            raise strategy_invalid(strategy)

        def step(work: Work) -> tuple[Reply, Message | None]:
            desk = Desk(self._parts, work, call)
            sign_up = _open(desk, sign_up_id)
            if sign_up.email_address is None:
                raise missing_parameter("email_address")
            if sign_up.verification.status == "verified":
                raise ClerkFailure(400, "verification_already_verified", "This address has already been verified")
            sign_up.verification, message = codes.issue(
                desk, sign_up.id, sign_up.email_address, "email_code", "sign_up"
            )
            work.save_attempt(sign_up)
            return desk.reply(self._shape(desk, sign_up)), message

        reply, message = await self._parts.store.transact(step)
        if message is not None:
            await self._parts.post.deliver(message)
        return reply

    async def attempt_verification(self, call: Call, sign_up_id: str) -> Reply:
        """Takes the code, and makes the account if nothing else is missing."""
        strategy, code = call.given("strategy"), call.given("code")
        if strategy != "email_code":
            raise missing_parameter("strategy") if strategy is None else strategy_invalid(strategy)
        if code is None:
            raise missing_parameter("code")

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            sign_up = _open(desk, sign_up_id)
            try:
                codes.check(desk, sign_up.verification, code, sign_up.id)
            finally:
                work.save_attempt(sign_up)
            desk.refuse_second_session()
            return self._settle(desk, sign_up)

        return await self._parts.store.transact(step)

    async def _hash(self, fields: _Fields, address: str | None) -> str | None:
        if fields.password is None:
            return None
        check_new_password(fields.password, address=fields.changes.get("email_address", address))
        return await self._parts.passwords.hash(fields.password)

    def _apply(self, desk: Desk, sign_up: SignUp, fields: _Fields, password_hash: str | None) -> Reply:
        address = fields.changes.get("email_address", sign_up.email_address)
        if address != sign_up.email_address:
            sign_up.verification = Verification()
        for name, value in fields.changes.items():
            setattr(sign_up, name, value)
        if password_hash is not None:
            sign_up.password_hash = password_hash
        _refuse_taken(desk.work, {"email_address": address, "username": sign_up.username})
        if desk.call.flag("legal_accepted"):
            sign_up.legal_accepted_at = desk.now_ms
        return self._settle(desk, sign_up)

    def _settle(self, desk: Desk, sign_up: SignUp) -> Reply:
        """Makes the account if it can be made, and stores the attempt."""
        # The attempt belongs to the client, so the client has to be there first.
        desk.save_client()
        if is_ready(sign_up, verify_email=self._parts.settings.verify_email_at_sign_up):
            _make_account(desk, sign_up)
        desk.work.save_attempt(sign_up)
        return desk.reply(self._shape(desk, sign_up))

    def _shape(self, desk: Desk, sign_up: SignUp) -> Json:
        return shapes.sign_up_shape(sign_up, desk.now_ms, verify_email=self._parts.settings.verify_email_at_sign_up)


def _own(desk: Desk, sign_up_id: str) -> SignUp:
    """The browser's own attempt; another's is not found."""
    sign_up = desk.work.sign_up(sign_up_id)
    if sign_up is None or desk.client is None or sign_up.client_id != desk.client.id:
        raise not_found("sign-up")
    return sign_up


def _open(desk: Desk, sign_up_id: str) -> SignUp:
    """The browser's own attempt, which is not over yet."""
    sign_up = _own(desk, sign_up_id)
    if sign_up.created_user_id is not None or desk.now_ms >= sign_up.abandon_at:
        raise not_found("sign-up that is still open")
    return sign_up


def _refuse_taken(work: Work, fields: Mapping[str, Any]) -> None:
    address, username = fields.get("email_address"), fields.get("username")
    if address is not None and work.email_by_address(address) is not None:
        raise identifier_exists()
    if username is not None and work.count_users(usernames=[username]):
        raise identifier_exists("username")


def _make_account(desk: Desk, sign_up: SignUp) -> None:
    address, password_hash = sign_up.email_address, sign_up.password_hash
    if address is None or password_hash is None:
        raise RuntimeError("An account was about to be made without address or password.")
    user = User(
        id=desk.parts.chance.id("user"),
        created_at=desk.now_ms,
        updated_at=desk.now_ms,
        first_name=sign_up.first_name,
        last_name=sign_up.last_name,
        username=sign_up.username,
        primary_email_address_id=desk.parts.chance.id("idn"),
        password_enabled=True,
        unsafe_metadata=sign_up.unsafe_metadata,
        legal_accepted_at=sign_up.legal_accepted_at,
    )
    desk.work.save_user(user)
    is_verified = sign_up.verification.status == "verified"
    desk.work.save_email(
        EmailAddress(
            id=user.primary_email_address_id or "",
            user_id=user.id,
            address=address,
            created_at=desk.now_ms,
            updated_at=desk.now_ms,
            verification=sign_up.verification if is_verified else Verification(),
        )
    )
    desk.work.set_password_hash(user.id, password_hash)
    session = desk.begin_session(user, "password")
    sign_up.created_user_id, sign_up.created_session_id = user.id, session.id
    sign_up.password_hash = None


def _read_fields(call: Call) -> _Fields:
    """What the request sets. Empty names clear; other empty fields are as if absent."""
    for name in NOT_OFFERED:
        if call.given(name) is not None:
            raise unknown_parameter(name)
    strategy = call.given("strategy")
    if strategy not in STRATEGIES:
        raise strategy_invalid(strategy or "")
    if call.flag("transfer"):
        raise unknown_parameter("transfer")
    fields = _Fields(password=call.given("password"))
    address = call.given("email_address")
    if address is not None:
        fields.changes["email_address"] = checked_address(address)
    for name in ("first_name", "last_name"):
        if name in call.parameters:
            fields.changes[name] = checked_name(call.parameters[name], name)
    if "username" in call.parameters:
        fields.changes["username"] = checked_username(call.parameters["username"])
    metadata = call.given("unsafe_metadata")
    if metadata is not None:
        fields.changes["unsafe_metadata"] = checked_metadata(metadata)
    locale = call.given("locale")
    if locale is not None:
        fields.changes["locale"] = locale[:35]
    return fields
