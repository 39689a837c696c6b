"""How long a client waits before it connects again (wire 1.10)."""

from __future__ import annotations

import pytest

from parabola.seams import SeededEntropy
from parabola.sync.client_backoff import CLIENT_REASON_S, Backoff, first_wait_s


class FixedEntropy:
    """Always the same draw."""

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def bytes(self, count: int) -> bytes:
        return bytes([self._byte]) * count

    def seed(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        ("", 1.0),
        ("InternalServerError", 1.0),
        ("something else", 1.0),
        ("CommitterFullError: too much to do", 3.0),
        ("TooManyConcurrentRequests", 3.0),
        ("ExpiredInQueue", 3.0),
    ],
)
def test_the_first_wait_depends_on_how_the_closes_reason_begins(reason: str, seconds: float) -> None:
    assert first_wait_s(reason) == seconds


def test_each_wait_doubles_the_one_before_up_to_sixteen_seconds() -> None:
    backoff = Backoff(FixedEntropy(0x80))  # the middle of the range
    waits = [backoff.next_wait_s(CLIENT_REASON_S) for _ in range(10)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 16, 16], rel=0.01)


@pytest.mark.parametrize(("byte", "factor"), [(0x00, 0.5), (0xFF, 1.5)])
def test_chance_spreads_waits_between_half_and_one_and_a_half(byte: int, factor: float) -> None:
    assert Backoff(FixedEntropy(byte)).next_wait_s(1.0) == pytest.approx(factor)


def test_a_reset_begins_anew() -> None:
    backoff = Backoff(SeededEntropy(1))
    for _ in range(2000):
        assert backoff.next_wait_s(1.0) <= 24
    backoff.reset()
    assert backoff.next_wait_s(1.0) <= 1.5
