"""The issuer under its two names."""

from __future__ import annotations

import pytest

from parabola.cli.failure import CommandFailed
from parabola.cli.issuer import ISSUER_VARIABLE, OTHER_NAME, settle_issuer

CLERK = "https://clerk.example.com"
LOCAL = "http://127.0.0.1:3210"


def test_nothing_set_and_nothing_local_leaves_nothing() -> None:
    environment: dict[str, str] = {}
    assert settle_issuer(environment) is None
    assert environment == {}


def test_the_local_issuer_is_set_where_none_is() -> None:
    environment: dict[str, str] = {}
    assert settle_issuer(environment, LOCAL) == LOCAL
    assert environment == {ISSUER_VARIABLE: LOCAL}


def test_an_empty_variable_is_an_unset_one() -> None:
    environment = {ISSUER_VARIABLE: ""}
    assert settle_issuer(environment, LOCAL) == LOCAL


@pytest.mark.parametrize("name", [ISSUER_VARIABLE, OTHER_NAME])
def test_what_is_set_wins_over_the_local_issuer_under_either_name(name: str) -> None:
    environment = {name: CLERK}
    assert settle_issuer(environment, LOCAL) == CLERK
    assert environment[ISSUER_VARIABLE] == CLERK


def test_two_names_for_one_issuer_are_fine_whatever_their_last_slash() -> None:
    assert settle_issuer({ISSUER_VARIABLE: CLERK, OTHER_NAME: f"{CLERK}/"}) == CLERK


def test_two_issuers_are_refused_and_both_are_named() -> None:
    with pytest.raises(CommandFailed) as raised:
        settle_issuer({ISSUER_VARIABLE: CLERK, OTHER_NAME: "https://other.example.com"})
    assert CLERK in str(raised.value)
    assert "https://other.example.com" in str(raised.value)
