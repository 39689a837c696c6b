"""A running identity server for each test, with time that moves when told and keys that are not made anew each time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from parabola.identity import signing
from tests.unit.identity.doubles import Desk


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


_make = rsa.generate_private_key


@cache
def _nth_key(position: int) -> rsa.RSAPrivateKey:
    return _make(public_exponent=65537, key_size=signing.KEY_BITS)


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first key that a test makes is the same in all tests, and so on: making one takes a tenth of a second."""
    positions = count()

    def generate(**_: Any) -> rsa.RSAPrivateKey:
        return _nth_key(next(positions))

    monkeypatch.setattr(rsa, "generate_private_key", generate)


@pytest.fixture
async def desk(anyio_backend: str) -> AsyncIterator[Desk]:
    """A server with default settings (limits relaxed) and its visitors."""
    async with Desk() as started:
        yield started
