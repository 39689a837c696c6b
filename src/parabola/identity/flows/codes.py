"""Sending a code and checking what comes back: the same for sign-up, sign-in, forgotten passwords and new addresses."""

from __future__ import annotations

from parabola.identity import verification
from parabola.identity.flows.desk import Desk
from parabola.identity.mail import Message, Purpose
from parabola.identity.records import Verification
from parabola.identity.sign_up_rules import is_test_address
from parabola.identity.store.work import Work

FIXED_CODE = "424242"
"""The code of `name+clerk_test@…` addresses in development; Clerk's own testing helpers type it."""

PEPPER = "code_pepper"


def takes_fixed_code(desk: Desk, address: str) -> bool:
    return desk.parts.settings.is_development and is_test_address(address)


def issue(
    desk: Desk, owner_id: str, address: str, strategy: str, purpose: Purpose
) -> tuple[Verification, Message | None]:
    """A new verification for `owner_id`, and the message to deliver once it is stored (None: nothing to send).

    Raises 429 when too many codes went to this address lately.
    """
    if takes_fixed_code(desk, address):
        return verification.begin(strategy, _hash(desk.work, FIXED_CODE, owner_id), desk.now_ms), None
    desk.parts.throttle.admit("code", address, desk.parts.settings.rate_limits.codes_sent)
    code = desk.parts.chance.code()
    message = Message(address, purpose, code, desk.now_ms)
    return verification.begin(strategy, _hash(desk.work, code, owner_id), desk.now_ms), message


def check(desk: Desk, kept: Verification, code: str, owner_id: str) -> None:
    """Returns if `code` is the one that was issued, else raises; `kept` is changed either way and must be stored."""
    verification.attempt(kept, _hash(desk.work, code.strip(), owner_id), desk.now_ms)


def _hash(work: Work, code: str, owner_id: str) -> str:
    pepper = work.setting(PEPPER)
    if pepper is None:
        raise RuntimeError("The identity store has no pepper. Start the identity server, which makes one.")
    return verification.hash_code(code, owner_id=owner_id, pepper=pepper)
