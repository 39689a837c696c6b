"""What the log says about tokens that do not hold, and how much of it."""

from __future__ import annotations

import logging

import pytest

from parabola.backend.refused_tokens import LINES_PER_PERIOD_MAX, PERIOD_S, REASON_LENGTH_MAX, RefusedTokens
from parabola.errors import Unauthenticated
from parabola.seams import ManualClock
from parabola.sync.client_version import UNKNOWN_CLIENT, ClientVersion

PYTHON = ClientVersion("python", (0, 7, 0))
TOKEN = "eyJhbGciOi.eyJpc3MiOi.c2lnbmF0dXJl"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> RefusedTokens:
    caplog.set_level(logging.INFO, logger="parabola.sync")
    return RefusedTokens(clock)


def refusal(text: str = "it has expired") -> Unauthenticated:
    return Unauthenticated(text, code="InvalidAuthHeader")


def test_a_refused_token_is_a_warning_with_the_code_the_reason_and_the_client(
    tokens: RefusedTokens, caplog: pytest.LogCaptureFixture
) -> None:
    tokens.refused(TOKEN, refusal(), PYTHON)
    tokens.refused(TOKEN, refusal("which key?"), UNKNOWN_CLIENT)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert caplog.messages == [
        "A token was refused (InvalidAuthHeader): it has expired. It came from the client python 0.7.0.",
        "A token was refused (InvalidAuthHeader): which key? It came from a client that does not say what it is.",
    ]
    assert caplog.records[0].__dict__["code"] == "InvalidAuthHeader"


def test_a_client_that_tries_the_same_token_again_and_again_is_a_line_a_minute(
    tokens: RefusedTokens, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(int(2 * PERIOD_S)):
        tokens.refused(TOKEN, refusal(), PYTHON)
        clock.advance(1)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith(f"The same token was refused {int(PERIOD_S) - 1} times more.")


def test_many_tokens_are_a_bounded_number_of_lines_a_minute_and_the_rest_is_counted(
    tokens: RefusedTokens, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        tokens.refused(f"{TOKEN}{number}", refusal(), PYTHON)
    assert len(caplog.messages) == LINES_PER_PERIOD_MAX
    clock.advance(PERIOD_S)
    tokens.refused(TOKEN, refusal(), PYTHON)
    tokens.refused(f"{TOKEN}0", refusal("now for another reason"), PYTHON)
    assert caplog.messages[-2].endswith(f" {1000 - LINES_PER_PERIOD_MAX} others were not logged.")
    assert "others" not in caplog.messages[-1]


def test_what_a_token_or_a_header_brings_into_a_line_can_neither_drive_a_terminal_nor_fill_it(
    tokens: RefusedTokens, caplog: pytest.LogCaptureFixture
) -> None:
    tokens.refused(TOKEN, refusal("key '\x1b[2J\nError: none'"), ClientVersion("py\x07thon", (1, 0, 0)))
    tokens.refused(TOKEN, refusal("k" * 10_000), PYTHON)
    assert r"key '\x1b[2J\nError: none'. It came from the client py\x07thon 1.0.0." in caplog.messages[0]
    assert len(caplog.messages[1]) < REASON_LENGTH_MAX + 100


def test_a_token_that_runs_out_is_a_quiet_line(
    tokens: RefusedTokens, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(LINES_PER_PERIOD_MAX + 5):
        tokens.expired(PYTHON)
    clock.advance(PERIOD_S)
    tokens.expired(PYTHON)
    assert {record.levelname for record in caplog.records} == {"INFO"}
    assert caplog.messages[0] == (
        "A connection was ended since its token ran out and no new one came. It was that of the client python 0.7.0."
    )
    assert caplog.messages[-1].endswith("python 0.7.0. 5 others were not logged.")
    assert len(caplog.messages) == LINES_PER_PERIOD_MAX + 1
