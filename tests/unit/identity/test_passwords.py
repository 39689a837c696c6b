"""Keeping and checking passwords."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher

from parabola.identity import passwords
from parabola.identity.failures import ClerkFailure
from parabola.identity.passwords import Passwords
from tests.unit.identity.doubles import QUICK

pytestmark = pytest.mark.anyio


async def test_a_hash_is_argon2id_and_checks() -> None:
    kept = Passwords(QUICK)
    stored = await kept.hash("an honest password")
    assert stored.startswith("$argon2id$")
    assert (await kept.verify(stored, "an honest password")).is_right
    assert not (await kept.verify(stored, "another")).is_right
    assert not (await kept.verify(None, "another")).is_right
    assert not (await kept.verify("not a hash", "another")).is_right
    kept.close()


async def test_the_defaults_are_argon2_cffis() -> None:
    kept = Passwords()
    assert (await kept.hash("x")).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    kept.close()


async def test_an_older_kind_of_hash_is_renewed_when_the_password_is_right() -> None:
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("an honest password")
    kept = Passwords(QUICK)
    renewed = (await kept.verify(older, "an honest password")).new_hash
    assert renewed is not None
    assert (await kept.verify(renewed, "an honest password")).new_hash is None
    assert (await kept.verify(older, "another")).new_hash is None
    kept.close()


async def test_more_than_can_wait_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING_MAX", 3)
    kept = Passwords(QUICK)
    outcomes = await asyncio.gather(*(kept.hash("x") for _ in range(5)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, ClerkFailure)]
    assert [failure.http_status for failure in refused] == [429, 429]
    assert (await kept.hash("x")).startswith("$argon2id$")
    kept.close()


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    kept = Passwords(PasswordHasher(time_cost=3, memory_cost=20_000, parallelism=1))
    hashing = asyncio.ensure_future(kept.hash("x"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    kept.close()


async def test_a_password_with_a_lone_surrogate_is_no_crash() -> None:
    kept = Passwords(QUICK)
    stored = await kept.hash("\ud800 odd but true")
    assert (await kept.verify(stored, "\ud800 odd but true")).is_right
    kept.close()
