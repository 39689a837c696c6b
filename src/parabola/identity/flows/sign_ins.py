"""Signing in: by password in one step or two, by a code, and by setting a new password (clerk spec, section 5.1).

A password is checked outside of any transaction, because that is slow on purpose. So a try is counted before it is
made and forgiven afterwards: however many requests arrive together, no more than `failures_until_locked` passwords are
compared before the account is locked.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from parabola.identity.failures import (
    ClerkFailure,
    code_incorrect,
    identifier_not_found,
    missing_parameter,
    not_found,
    password_incorrect,
    password_or_identifier_incorrect,
    strategy_invalid,
    user_banned,
    user_locked,
)
from parabola.identity.flows import codes, lock_out
from parabola.identity.flows.desk import ATTEMPT_LIFETIME_MS, Call, Desk, Reply
from parabola.identity.mail import Message, Purpose
from parabola.identity.parts import Parts
from parabola.identity.passwords import check_new_password
from parabola.identity.records import SignIn, User, Verification
from parabola.identity.store.work import Work

CODE_PURPOSES: Final[dict[str, Purpose]] = {"email_code": "sign_in", "reset_password_email_code": "reset_password"}
RESET: Final = "reset_password_email_code"


@dataclass(frozen=True, slots=True)
class _Try:
    """A password about to be compared: with which account's hash, None where there is no such account."""

    user_id: str | None
    stored: str | None = field(repr=False)


class SignIns:
    """Sign-in attempts of all browsers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, call: Call) -> Reply:
        """Starts an attempt, in place of an earlier one, and goes as far as the parameters allow."""
        strategy, identifier, password = call.given("strategy"), call.given("identifier"), call.given("password")
        if strategy not in (None, "password", *CODE_PURPOSES):
            raise strategy_invalid(strategy or "")
        limits = self._parts.settings.rate_limits
        if password is not None:
            self._parts.throttle.admit("sign_in", call.address, limits.sign_ins)
        else:
            self._parts.throttle.admit("lookup", call.address, limits.identifier_lookups)
        if identifier is not None and password is not None and strategy in (None, "password"):

            def begin(work: Work) -> _Try:
                desk = Desk(self._parts, work, call)
                desk.refuse_second_session()
                return self._begin_try(desk, self._find(desk, _folded(identifier))[0])

            # Client and attempt are made only once the password was right: a wrong one leaves nothing behind.
            tried = await self._parts.store.transact(begin)
            return await self._finish_try(call, tried, password, lambda desk: self._start(desk, identifier))

        def step(work: Work) -> tuple[Reply, Message | None]:
            desk = Desk(self._parts, work, call)
            sign_in, message = self._start(desk, identifier), None
            if identifier is not None and strategy in CODE_PURPOSES:
                message = self._prepare(desk, sign_in, strategy or "", None)
            return desk.reply(desk.sign_in_json(sign_in)), message

        return await self._answered(step)

    async def get(self, call: Call, sign_in_id: str) -> Reply:
        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            return desk.reply(desk.sign_in_json(_own(desk, sign_in_id)))

        return await self._parts.store.transact(step)

    async def prepare_first_factor(self, call: Call, sign_in_id: str) -> Reply:
        """Sends a code: to sign in, or to prove who forgot a password."""
        strategy = call.given("strategy")
        if strategy is None:
            raise missing_parameter("strategy")
        if strategy not in CODE_PURPOSES:
            raise strategy_invalid(strategy)

        def step(work: Work) -> tuple[Reply, Message | None]:
            desk = Desk(self._parts, work, call)
            sign_in = _open(desk, sign_in_id)
            message = self._prepare(desk, sign_in, strategy, call.given("email_address_id"))
            return desk.reply(desk.sign_in_json(sign_in)), message

        return await self._answered(step)

    async def attempt_first_factor(self, call: Call, sign_in_id: str) -> Reply:
        """Takes a password or a code."""
        strategy = call.given("strategy")
        self._parts.throttle.admit("sign_in", call.address, self._parts.settings.rate_limits.sign_ins)
        if strategy == "password":
            password = call.given("password")
            if password is None:
                raise missing_parameter("password")

            def begin(work: Work) -> _Try:
                desk = Desk(self._parts, work, call)
                sign_in = _open(desk, sign_in_id)
                if sign_in.status != "needs_first_factor":
                    raise _not_at_this_step()
                return self._begin_try(desk, sign_in.user_id)

            tried = await self._parts.store.transact(begin)
            return await self._finish_try(call, tried, password, lambda desk: _open(desk, sign_in_id))
        if strategy is None:
            raise missing_parameter("strategy")
        if strategy not in CODE_PURPOSES:
            raise strategy_invalid(strategy)
        code = call.given("code")
        if code is None:
            raise missing_parameter("code")

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            return self._take_code(desk, _open(desk, sign_in_id), strategy, code)

        return await self._parts.store.transact(step)

    async def reset_password(self, call: Call, sign_in_id: str) -> Reply:
        """Sets the new password after a reset code, and signs in with it."""
        password = call.given("password")
        if password is None:
            raise missing_parameter("password")
        known = await self._parts.store.transact(lambda work: _own(Desk(self._parts, work, call), sign_in_id))
        check_new_password(password, address=known.identifier)
        if known.status != "needs_new_password":
            raise _not_at_this_step()
        password_hash = await self._parts.passwords.hash(password)

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            sign_in = _open(desk, sign_in_id)
            if sign_in.status != "needs_new_password" or sign_in.user_id is None:
                raise _not_at_this_step()
            user = desk.user(sign_in.user_id)
            work.set_password_hash(user.id, password_hash)
            user.password_enabled = True
            if call.flag("sign_out_of_other_sessions"):
                desk.end_sessions(work.active_sessions_of_user(user.id), "revoked")
            return self._complete(desk, sign_in, user, RESET)

        return await self._parts.store.transact(step)

    def _start(self, desk: Desk, identifier: str | None) -> SignIn:
        desk.refuse_second_session()
        client = desk.ensure_client()
        desk.work.delete_attempt(client.sign_in_id)
        sign_in = SignIn(self._parts.chance.id("sia"), client.id, desk.now_ms, desk.now_ms + ATTEMPT_LIFETIME_MS)
        if identifier is not None:
            sign_in.identifier, sign_in.status = _folded(identifier), "needs_first_factor"
            sign_in.user_id, sign_in.email_address_id = self._find(desk, sign_in.identifier)
        client.sign_in_id = sign_in.id
        desk.save_client()
        desk.work.save_attempt(sign_in)
        return sign_in

    def _find(self, desk: Desk, address: str) -> tuple[str | None, str | None]:
        """(user id, e-mail address id) behind an address. Raises 422 for one that nobody has, unless that is a secret:
        then there is no user, and an id that does not show it.
        """
        email = desk.work.email_by_address(address)
        if email is not None:
            return email.user_id, email.id
        if not self._parts.settings.enumeration_protection:
            raise identifier_not_found()
        return None, _made_up_id(address, desk.work.setting(codes.PEPPER) or "")

    def _begin_try(self, desk: Desk, user_id: str | None) -> _Try:
        """Counts a try against the account before it is made."""
        if user_id is None:
            return _Try(None, None)
        user = desk.user(user_id)
        if not user.password_enabled and not self._parts.settings.enumeration_protection:
            raise strategy_invalid("password")
        try:
            lock_out.count_try(desk, user)
        except ClerkFailure:
            if self._parts.settings.enumeration_protection:
                # A lock shows that there is an account, so it looks like any other wrong password.
                return _Try(None, None)
            raise
        return _Try(user.id, desk.work.password_hash(user.id))

    async def _finish_try(self, call: Call, tried: _Try, password: str, attempt: Callable[[Desk], SignIn]) -> Reply:
        checked = await self._parts.passwords.verify(tried.stored, password)

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = None if tried.user_id is None else work.user(tried.user_id)
            # The password may have been changed while the old one was compared.
            if user is None or not checked.is_right or work.password_hash(user.id) != tried.stored:
                raise self._wrong_password(desk, user)
            if checked.new_hash is not None:
                work.set_password_hash(user.id, checked.new_hash)
            return self._complete(desk, attempt(desk), user, "password")

        return await self._parts.store.transact(step)

    def _wrong_password(self, desk: Desk, user: User | None) -> ClerkFailure:
        locked_s = None if user is None else lock_out.lock_if_due(desk, user)
        if self._parts.settings.enumeration_protection:
            failure = password_or_identifier_incorrect()
        else:
            failure = password_incorrect() if locked_s is None else user_locked(locked_s)
        failure.keeps_changes = True
        return failure

    def _prepare(self, desk: Desk, sign_in: SignIn, strategy: str, email_address_id: str | None) -> Message | None:
        if sign_in.status not in ("needs_first_factor", "needs_new_password") or sign_in.identifier is None:
            raise _not_at_this_step()
        address = sign_in.identifier
        if email_address_id not in (None, sign_in.email_address_id):
            other = desk.work.email_address(email_address_id or "")
            if other is None or other.user_id != sign_in.user_id:
                raise not_found("e-mail address")
            sign_in.email_address_id, address = other.id, other.address
        sign_in.status = "needs_first_factor"
        sign_in.first_factor, message = codes.issue(desk, sign_in.id, address, strategy, CODE_PURPOSES[strategy])
        desk.work.save_attempt(sign_in)
        # Nobody is there to read it; but the limit of codes per address was counted all the same.
        return message if sign_in.user_id is not None else None

    def _take_code(self, desk: Desk, sign_in: SignIn, strategy: str, code: str) -> Reply:
        proof = sign_in.first_factor if sign_in.first_factor is not None else Verification()
        if proof.strategy not in (None, strategy) or sign_in.status != "needs_first_factor":
            raise _not_at_this_step()
        user = None if sign_in.user_id is None else desk.user(sign_in.user_id)
        if user is not None:
            try:
                lock_out.count_try(desk, user)
            except ClerkFailure:
                if self._parts.settings.enumeration_protection:
                    raise code_incorrect() from None
                raise
        try:
            codes.check(desk, proof, code, sign_in.id)
        except ClerkFailure as failure:
            if user is not None:
                lock_out.lock_if_due(desk, user)
                if failure.code != "form_code_incorrect":
                    lock_out.forgive(desk, user)
            failure.keeps_changes = True
            raise
        finally:
            desk.work.save_attempt(sign_in)
        if user is None:
            # Nobody was sent a code, so nobody can have it; a lucky guess stays a wrong one.
            proof.status = "unverified"
            desk.work.save_attempt(sign_in)
            raise code_incorrect()
        self._mark_verified(desk, sign_in)
        if strategy == RESET:
            lock_out.forgive(desk, user)
            sign_in.status = "needs_new_password"
            desk.work.save_attempt(sign_in)
            return desk.reply(desk.sign_in_json(sign_in))
        return self._complete(desk, sign_in, user, strategy)

    def _mark_verified(self, desk: Desk, sign_in: SignIn) -> None:
        """Who has the code reads the address's mail."""
        email = desk.work.email_address(sign_in.email_address_id or "")
        if email is not None and not email.is_verified:
            email.verification = Verification("verified", "email_code")
            email.updated_at = desk.now_ms
            desk.work.save_email(email)

    def _complete(self, desk: Desk, sign_in: SignIn, user: User, strategy: str) -> Reply:
        if user.banned:
            raise user_banned()
        desk.refuse_second_session()
        lock_out.forgive(desk, user)
        if strategy == "password":
            sign_in.first_factor = Verification("verified", "password")
        session = desk.begin_session(user, strategy)
        sign_in.status, sign_in.created_session_id = "complete", session.id
        desk.work.save_attempt(sign_in)
        return desk.reply(desk.sign_in_json(sign_in))

    async def _answered(self, step: Callable[[Work], tuple[Reply, Message | None]]) -> Reply:
        reply, message = await self._parts.store.transact(step)
        if message is not None:
            await self._parts.post.deliver(message)
        return reply


def _own(desk: Desk, sign_in_id: str) -> SignIn:
    """The browser's own attempt; another's is not found."""
    sign_in = desk.work.sign_in(sign_in_id)
    if sign_in is None or desk.client is None or sign_in.client_id != desk.client.id:
        raise not_found("sign-in")
    return sign_in


def _open(desk: Desk, sign_in_id: str) -> SignIn:
    """The browser's own attempt, which is not over yet."""
    sign_in = _own(desk, sign_in_id)
    if sign_in.status == "complete" or desk.now_ms >= sign_in.abandon_at:
        raise not_found("sign-in that is still open")
    return sign_in


def _folded(identifier: str) -> str:
    """The form in which addresses are unique."""
    return identifier.strip().lower()


def _not_at_this_step() -> ClerkFailure:
    return ClerkFailure(
        400,
        "sign_in_step_invalid",
        "The sign-in is not at this step",
        long_message="This sign-in expects another step; look at its status. Start again if in doubt.",
    )


def _made_up_id(address: str, pepper: str) -> str:
    """An id for an account that does not exist, the same each time, so that it cannot be told from one that does."""
    digest = hmac.new(pepper.encode(), address.encode(), hashlib.sha256).hexdigest()
    return f"idn_{digest[:27]}"
