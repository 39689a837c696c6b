"""The addresses of the acting user: adding, proving, removing (clerk spec, 5.2)."""

from __future__ import annotations

from typing import Final

from parabola.identity import shapes
from parabola.identity.failures import ClerkFailure, missing_parameter, not_found, strategy_invalid
from parabola.identity.flows import codes
from parabola.identity.flows.desk import Call, Desk, Reply
from parabola.identity.mail import Message
from parabola.identity.parts import Parts
from parabola.identity.records import EmailAddress, User
from parabola.identity.sign_up_rules import checked_address
from parabola.identity.store.work import Work

ADDRESSES_MAX: Final = 20


class EmailAddresses:
    """Addresses through the session that the request names; another user's are not found."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, call: Call) -> Reply:
        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            emails = work.emails_of(desk.acting_user().id)
            return desk.reply([shapes.email_address_shape(email, desk.now_ms) for email in emails])

        return await self._parts.store.transact(step)

    async def get(self, call: Call, email_id: str) -> Reply:
        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            return desk.reply(shapes.email_address_shape(_own(desk, desk.acting_user(), email_id), desk.now_ms))

        return await self._parts.store.transact(step)

    async def create(self, call: Call) -> Reply:
        """Adds an address, unproven. It counts as taken from now on."""
        text = call.given("email_address")
        if text is None:
            raise missing_parameter("email_address")
        address = checked_address(text)

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            if len(work.emails_of(user.id)) >= ADDRESSES_MAX:
                raise ClerkFailure(
                    403, "identification_limit_exceeded", f"An account may have at most {ADDRESSES_MAX} addresses"
                )
            email = EmailAddress(self._parts.chance.id("idn"), user.id, address, desk.now_ms, desk.now_ms)
            work.save_email(email)
            return _changed(desk, user, email)

        return await self._parts.store.transact(step)

    async def delete(self, call: Call, email_id: str) -> Reply:
        """Removes an address. The last one stays: nobody could sign in."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            email = _own(desk, user, email_id)
            others = [other for other in work.emails_of(user.id) if other.id != email.id]
            if not others:
                raise ClerkFailure(
                    400,
                    "last_identification_deletion_failed",
                    "The last address cannot be removed",
                    long_message="An account needs an address to sign in with. Add another one first.",
                )
            work.delete_email(email.id)
            if user.primary_email_address_id == email.id:
                verified = [other for other in others if other.is_verified]
                user.primary_email_address_id = (verified or others)[0].id
            user.updated_at = desk.now_ms
            work.save_user(user)
            desk.save_client()
            return desk.reply(shapes.deleted_shape("email_address", email.id))

        return await self._parts.store.transact(step)

    async def prepare_verification(self, call: Call, email_id: str) -> Reply:
        """Sends a code to the address."""
        strategy = call.given("strategy")
        if strategy is None:
            raise missing_parameter("strategy")
        if strategy != "email_code":
            raise strategy_invalid(strategy)

        def step(work: Work) -> tuple[Reply, Message | None]:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            email = _own(desk, user, email_id)
            if email.is_verified:
                raise ClerkFailure(400, "verification_already_verified", "This address has already been verified")
            email.verification, message = codes.issue(desk, email.id, email.address, "email_code", "verify_email")
            work.save_email(email)
            return _changed(desk, user, email), message

        reply, message = await self._parts.store.transact(step)
        if message is not None:
            await self._parts.post.deliver(message)
        return reply

    async def attempt_verification(self, call: Call, email_id: str) -> Reply:
        code = call.given("code")
        if code is None:
            raise missing_parameter("code")

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            email = _own(desk, user, email_id)
            try:
                codes.check(desk, email.verification, code, email.id)
            finally:
                email.updated_at = desk.now_ms
                work.save_email(email)
            return _changed(desk, user, email)

        return await self._parts.store.transact(step)


def _own(desk: Desk, user: User, email_id: str) -> EmailAddress:
    email = desk.work.email_address(email_id)
    if email is None or email.user_id != user.id:
        raise not_found("e-mail address")
    return email


def _changed(desk: Desk, user: User, email: EmailAddress) -> Reply:
    user.updated_at = desk.now_ms
    desk.work.save_user(user)
    desk.save_client()
    return desk.reply(shapes.email_address_shape(email, desk.now_ms))
