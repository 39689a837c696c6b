"""How a client signs in, keeps its tokens fresh, and takes refusals (wire 1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.sync.client_effects import AuthChanged, AuthRefreshing, FetchToken, OpenSocket, Report
from parabola.sync.client_tokens import CannotRefresh, Lifetime, read_lifetime, refresh_delay_s
from tests.unit.sync.client_socket import Wire, kinds, token


def asked(wire: Wire) -> FetchToken:
    """The one token that the peer asks for."""
    (fetch,) = wire.reported(FetchToken)
    return fetch


def give(wire: Wire, value: str | None, *, force: bool) -> list[dict[str, Any]]:
    """Gives the token that is asked for; what is sent then."""
    fetch = asked(wire)
    assert fetch.force is force
    wire.peer.token_fetched(fetch.number, value)
    return wire.take()


def sign_in(wire: Wire, cached: str, fresh: str | None = None) -> None:
    """Through the whole beginning: a cached token confirmed, a fresh one fetched and confirmed."""
    wire.peer.begin_auth()
    give(wire, cached, force=False)
    wire.open()
    wire.transition(5, identity=1)
    give(wire, fresh if fresh is not None else cached, force=True)
    if fresh is not None:
        wire.transition(6, identity=2)
    wire.reported(AuthChanged)


def refuse(wire: Wire, base: int | None, *, attempted: bool = True) -> None:
    wire.send("AuthError", error="bad token", baseVersion=base, authUpdateAttempted=attempted)


# Signing in.


def test_nothing_but_connect_is_said_while_the_first_token_is_fetched() -> None:
    wire = Wire()
    wire.peer.begin_auth()
    assert kinds(wire.open()) == ["Connect"]
    wire.subscribe()
    wire.mutate()
    assert wire.take() == []
    said = give(wire, token(), force=False)
    assert kinds(said) == ["Authenticate", "ModifyQuerySet", "Mutation"]
    assert said[0] == {"type": "Authenticate", "baseVersion": 0, "tokenType": "User", "value": token()}


def test_a_confirmed_cached_token_is_followed_by_a_fresh_one_at_once() -> None:
    wire = Wire()
    wire.open()
    wire.peer.begin_auth()
    give(wire, token(name="old"), force=False)
    assert wire.reported(AuthChanged) == []
    wire.transition(5, identity=1)
    assert wire.reported(AuthChanged) == [AuthChanged(True)]
    assert give(wire, token(name="new"), force=True) == [
        {"type": "Authenticate", "baseVersion": 1, "tokenType": "User", "value": token(name="new")}
    ]
    wire.transition(6, identity=2)
    assert wire.reported(AuthChanged) == []  # it was so already


def test_without_a_cached_token_a_fresh_one_is_asked_for() -> None:
    wire = Wire()
    wire.open()
    wire.peer.begin_auth()
    assert give(wire, None, force=False) == []
    assert kinds(give(wire, token(), force=True)) == ["Authenticate"]
    wire.transition(5, identity=1)
    assert wire.reported(AuthChanged) == [AuthChanged(True)]


def test_without_any_token_the_client_goes_on_as_nobody() -> None:
    wire = Wire()
    wire.peer.begin_auth()
    wire.open()
    wire.mutate()
    give(wire, None, force=False)
    assert kinds(give(wire, None, force=True)) == ["ModifyQuerySet", "Mutation"]
    assert wire.reported(AuthChanged) == [AuthChanged(False)]


def test_only_the_newest_way_of_signing_in_counts() -> None:
    wire = Wire()
    wire.open()
    wire.peer.begin_auth()
    first = asked(wire)
    wire.peer.begin_auth()
    wire.peer.token_fetched(first.number, token(name="late"))
    assert wire.take() == []
    assert give(wire, token(name="right"), force=False)[0]["value"] == token(name="right")


def test_signing_out_while_a_token_is_fetched_forgets_it() -> None:
    wire = Wire()
    wire.open()
    wire.peer.begin_auth()
    fetch = asked(wire)
    wire.peer.clear_auth()
    assert wire.take() == [{"type": "Authenticate", "baseVersion": 0, "tokenType": "None"}]
    wire.peer.token_fetched(fetch.number, token())
    assert wire.take() == []


def test_an_admin_key_is_sent_with_the_user_to_act_as() -> None:
    wire = Wire()
    wire.open()
    wire.peer.set_admin_auth("dev:foo|key", {"subject": "s", "issuer": "https://i"})
    assert wire.take() == [
        {
            "type": "Authenticate",
            "baseVersion": 0,
            "tokenType": "Admin",
            "value": "dev:foo|key",
            "impersonating": {"issuer": "https://i", "subject": "s"},
        }
    ]


def test_a_new_socket_is_told_who_is_asking_before_anything_else() -> None:
    wire = Wire()
    sign_in(wire, token(name="old"), token(name="new"))
    wire.subscribe()
    wire.lose()
    said = wire.reopen()
    assert kinds(said) == ["Connect", "Authenticate", "ModifyQuerySet"]
    assert (said[1]["baseVersion"], said[1]["value"]) == (0, token(name="new"))


# Keeping tokens fresh.


def test_a_fresh_token_is_replaced_ten_seconds_before_its_end() -> None:
    wire = Wire()
    sign_in(wire, token(name="old"), token(60))
    wire.pass_time(49)
    wire.send("Ping")
    assert wire.reported(FetchToken) == []
    wire.pass_time(1)
    assert give(wire, token(60, name="next"), force=True) == [
        {"type": "Authenticate", "baseVersion": 2, "tokenType": "User", "value": token(60, name="next")}
    ]
    wire.transition(7, identity=3)
    assert wire.reported(AuthChanged) == []
    assert wire.peer.auth.refetch_at == pytest.approx(wire.clock.monotonic() + 50)


def test_a_token_that_cannot_be_replaced_is_a_sign_out() -> None:
    wire = Wire()
    sign_in(wire, token(name="old"), token(20))
    wire.pass_time(10)
    assert give(wire, None, force=True) == [{"type": "Authenticate", "baseVersion": 2, "tokenType": "None"}]
    assert wire.reported(AuthChanged) == [AuthChanged(False)]


def test_a_token_that_lives_less_than_the_leeway_is_replaced_at_once_with_a_warning() -> None:
    wire = Wire()
    sign_in(wire, token(name="old"), token(5))
    assert [report.level for report in wire.reported(Report)] == ["warning"]
    wire.pass_time(0)
    assert asked(wire).force


def test_an_issuer_all_of_whose_tokens_are_that_brief_is_not_asked_without_a_pause() -> None:
    wire = Wire()
    sign_in(wire, token(name="0"), token(8, name="1"))
    wire.pass_time(0)
    for number in (2, 3, 4):
        give(wire, token(8, name=f"{number}"), force=True)
        wire.transition(5 + number, identity=number + 1)
        wire.pass_time(3.9)
        assert wire.reported(FetchToken) == []
        wire.pass_time(0.2)  # half its life is over
    assert [report.level for report in wire.reported(Report)] == ["warning"]


@pytest.mark.parametrize("useless", ["not a token", "a.b.c", token(1)])
def test_a_token_whose_end_is_unknown_is_used_until_it_is_refused(useless: str) -> None:
    wire = Wire()
    sign_in(wire, token(), useless)
    assert [report.level for report in wire.reported(Report)] == ["error"]
    assert wire.peer.auth.refetch_at is None
    refuse(wire, 2, attempted=False)
    assert asked(wire).force


def test_an_application_with_one_token_is_asked_again_near_its_end_and_then_when_it_is_refused() -> None:
    wire = Wire()
    sign_in(wire, token(60))
    wire.pass_time(50)
    assert give(wire, token(60), force=True) == []
    assert wire.peer.auth.refetch_at is None
    refuse(wire, 1, attempted=False)
    give(wire, token(60, name="next"), force=True)
    assert wire.open()[1]["value"] == token(60, name="next")


def test_the_first_token_may_be_used_to_its_end_by_the_servers_clock() -> None:
    wire = Wire(reuse_initial_token=True)
    wire.open()
    wire.peer.begin_auth()
    issued_100_s_ago = token(600, issued_s=wire.clock.now_ns() / 1e9 - 100)
    give(wire, issued_100_s_ago, force=False)
    wire.transition(5, identity=1, clientClockSkew=-20_000)  # this clock is 20 s behind
    assert wire.reported(AuthChanged) == [AuthChanged(True)]
    assert wire.reported(FetchToken) == []
    assert wire.peer.auth.refetch_at == pytest.approx(600 - 100 - 20 - 10)


# Refusals.


def test_a_refused_token_takes_the_socket_down_until_a_fresh_one_is_there() -> None:
    wire = Wire()
    wire.open()
    wire.subscribe()
    wire.peer.begin_auth()
    give(wire, token(name="bad"), force=False)
    refuse(wire, 0)
    assert wire.closed() == [wire.socket]
    assert wire.reported(AuthRefreshing) == [AuthRefreshing(True)]
    wire.pass_time(100)
    assert wire.reported(OpenSocket) == []
    give(wire, token(name="good"), force=True)
    said = wire.open()
    assert kinds(said) == ["Connect", "Authenticate", "ModifyQuerySet"]
    assert "lastCloseReason" not in said[0]
    assert said[1]["value"] == token(name="good")
    wire.transition(5, identity=1)
    assert wire.reported(AuthRefreshing) == [AuthRefreshing(False)]
    assert wire.reported(AuthChanged) == [AuthChanged(True)]


def test_fresh_tokens_may_be_refused_twice_more_and_then_the_client_is_nobody() -> None:
    wire = Wire()
    wire.open()
    wire.peer.begin_auth()
    give(wire, token(name="0"), force=False)
    for attempt in (1, 2, 3):
        refuse(wire, 0)
        give(wire, token(name=f"{attempt}"), force=True)
        assert wire.open()[1]["value"] == token(name=f"{attempt}")
    refuse(wire, 0)
    assert wire.reported(FetchToken) == []
    assert wire.reported(AuthChanged) == [AuthChanged(False)]
    assert "check your server auth config" in wire.reported(Report)[-1].text
    wire.lose(1005)
    said = wire.reopen()
    assert kinds(said) == ["Connect", "ModifyQuerySet"]
    assert said[0]["lastCloseReason"] == "closed with code 1005"


def test_the_same_token_again_after_a_refusal_is_a_sign_out() -> None:
    wire = Wire()
    wire.open()
    wire.peer.begin_auth()
    give(wire, token(), force=False)
    refuse(wire, 0)
    give(wire, token(), force=True)
    assert wire.reported(AuthChanged) == [AuthChanged(False)]
    assert kinds(wire.open()) == ["Connect", "ModifyQuerySet"]
    (report,) = wire.reported(Report)
    assert report == Report("error", 'Failed to authenticate: "bad token", check your server auth config')


def test_a_refusal_of_the_old_token_is_ignored_while_a_new_one_awaits_its_confirmation() -> None:
    wire = Wire()
    wire.open()
    wire.peer.begin_auth()
    give(wire, token(), force=False)
    refuse(wire, 0, attempted=False)
    assert wire.closed() == []


def test_a_refusal_of_a_token_that_was_replaced_since_is_ignored() -> None:
    wire = Wire()
    sign_in(wire, token(name="old"), token(name="new"))
    wire.peer.set_admin_auth("key")
    wire.take()
    refuse(wire, 1)
    assert wire.closed() == []
    assert wire.peer.auth.credential is not None


def test_a_refused_admin_key_is_forgotten() -> None:
    wire = Wire()
    wire.peer.set_admin_auth("wrong")
    wire.open()
    refuse(wire, 0)
    assert "Failed to authenticate" in wire.reported(Report)[0].text
    wire.lose(1005)
    assert kinds(wire.reopen()) == ["Connect", "ModifyQuerySet"]


def test_a_mutation_sent_with_a_refused_token_is_sent_again_with_the_fresh_one() -> None:
    wire = Wire()
    sign_in(wire, token(name="old"), token(name="new"))
    wire.mutate()
    assert kinds(wire.take()) == ["Mutation"]
    refuse(wire, 2, attempted=False)
    give(wire, token(name="newer"), force=True)
    assert kinds(wire.open()) == ["Connect", "Authenticate", "ModifyQuerySet", "Mutation"]


# Reading tokens.


def test_a_lifetime_is_read_without_knowing_any_key() -> None:
    assert read_lifetime(token(600, issued_s=1000)) == Lifetime(1000, 1600)


@pytest.mark.parametrize("text", ["", "a.b", "a.!!.c", "a.e30.c", "a.W10.c"])
def test_what_is_no_token_with_times_cannot_be_refreshed(text: str) -> None:
    with pytest.raises(CannotRefresh):
        read_lifetime(text)


def test_a_refresh_is_never_planned_further_than_a_timer_reaches() -> None:
    assert refresh_delay_s(Lifetime(0, 1e9), 10, None) == 20 * 86_400
