"""The pure rules: codes, sign-up fields, session lifetimes, throttling, routing, ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parabola.identity.chance import Chance
from parabola.identity.failures import ClerkFailure
from parabola.identity.http.multipart import file_field
from parabola.identity.http.origins import origin_of_url
from parabola.identity.http.routing import Route, find_route
from parabola.identity.lifetimes import keep_alive, settle
from parabola.identity.records import Session
from parabola.identity.sign_up_rules import (
    checked_address,
    checked_metadata,
    checked_name,
    checked_username,
    is_test_address,
    merged_metadata,
)
from parabola.identity.throttle import KEYS_MAX, Throttle
from parabola.identity.verification import CODE_LIFETIME_MS, attempt, begin, hash_code, shown_status
from parabola.seams import ManualClock, SeededEntropy

RIGHT, WRONG = "right", "wrong"


def code_of(caught: pytest.ExceptionInfo[ClerkFailure]) -> tuple[str, bool]:
    return caught.value.code, caught.value.keeps_changes


def test_the_right_code_in_time_verifies_and_is_used_up() -> None:
    verification = begin("email_code", RIGHT, 0)
    attempt(verification, RIGHT, CODE_LIFETIME_MS - 1)
    assert (verification.status, verification.code_hash) == ("verified", None)
    with pytest.raises(ClerkFailure) as caught:
        attempt(verification, RIGHT, 0)
    assert code_of(caught)[0] == "verification_already_verified"


def test_a_wrong_code_is_remembered_although_it_is_refused() -> None:
    verification = begin("email_code", RIGHT, 0)
    for _ in range(3):
        with pytest.raises(ClerkFailure) as caught:
            attempt(verification, WRONG, 0)
        assert code_of(caught) == ("form_code_incorrect", True)
    assert verification.status == "failed"


def test_a_code_nobody_used_shows_as_expired() -> None:
    verification = begin("email_code", RIGHT, 0)
    assert shown_status(verification, CODE_LIFETIME_MS - 1) == "unverified"
    assert shown_status(verification, CODE_LIFETIME_MS) == "expired"


def test_the_hash_of_a_code_depends_on_what_it_is_for_and_on_the_server() -> None:
    hashes = {hash_code("123456", owner_id=owner, pepper=pepper) for owner in "ab" for pepper in "xy"}
    assert len(hashes) == 4


@given(st.text(max_size=60))
def test_an_accepted_address_is_stable(text: str) -> None:
    try:
        address = checked_address(text)
    except ClerkFailure:
        return
    assert checked_address(address) == address == address.strip().lower()
    assert address.count("@") == 1


@pytest.mark.parametrize("text", ["Ada@Example.com", " a@b ", "a+b@c.co.uk", "ä@example.com"])
def test_ordinary_addresses_are_accepted(text: str) -> None:
    assert checked_address(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text", ["", "a", "@b", "a@", "a b@c.de", "a@b..c", "a@-b.de", "a\n@b.de", "a@b.de\nBcc: c@d.e"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ClerkFailure):
        checked_address(text)


def test_test_addresses_are_known_by_their_local_part() -> None:
    assert is_test_address("ada+clerk_test@example.com")
    assert not is_test_address("ada@x+clerk_test.example.com")


def test_names_are_trimmed_and_bounded() -> None:
    assert (checked_name(" Ada ", "first_name"), checked_name("  ", "first_name")) == ("Ada", None)
    for bad in ("x" * 257, "a\0b", "a\nb"):
        with pytest.raises(ClerkFailure):
            checked_name(bad, "first_name")


def test_user_names_are_lower_case_and_plain() -> None:
    assert checked_username(" Count_Ess ") == "count_ess"
    for bad in ("abc", "x" * 65, "with space", "ümlaut"):
        with pytest.raises(ClerkFailure):
            checked_username(bad)


def test_metadata_is_an_object_of_bounded_size_and_depth() -> None:
    assert checked_metadata('{"a":1}') == {"a": 1}
    for bad in ("[]", "{", "1", '{"a":"' + "x" * 9000 + '"}', "[" * 4000):
        with pytest.raises(ClerkFailure):
            checked_metadata(bad)


def test_metadata_merges_deeply_and_null_deletes() -> None:
    assert merged_metadata({"a": {"b": 1, "c": 2}, "d": 1}, {"a": {"b": None, "e": 3}, "d": {"f": 1}}) == {
        "a": {"c": 2, "e": 3},
        "d": {"f": 1},
    }


def test_a_session_ends_once_and_keeps_its_first_reason() -> None:
    session = Session("sess_1", "client_1", "user_1", 0, 0, 0, expire_at=100, abandon_at=50, first_factor_at=0)
    assert not settle(session, 49)
    keep_alive(session, 49, idle_ms=50)
    assert not settle(session, 98)
    assert settle(session, 99)
    assert session.status == "abandoned"
    assert not settle(session, 200)
    assert session.status == "abandoned"


def test_a_window_slides_and_a_refusal_does_not_count() -> None:
    clock = ManualClock()
    throttle = Throttle(clock)
    throttle.admit("k", "a", (2, 10))
    clock.advance(5)
    throttle.admit("k", "a", (2, 10))
    for _ in range(3):
        with pytest.raises(ClerkFailure) as caught:
            throttle.admit("k", "a", (2, 10))
    assert (caught.value.http_status, caught.value.retry_after_s) == (429, 5)
    throttle.admit("k", "b", (2, 10))
    throttle.admit("other", "a", (2, 10))
    clock.advance(5)
    throttle.admit("k", "a", (2, 10))


def test_the_memory_of_a_throttle_is_bounded() -> None:
    throttle = Throttle(ManualClock())
    for n in range(KEYS_MAX + 50):
        throttle.admit("k", str(n), (1, 10))
    assert len(throttle._events) == KEYS_MAX


async def _nothing() -> None: ...


def test_routes_match_whole_paths_and_give_parameters_in_order() -> None:
    routes = (Route("GET", "/a/{x}", _nothing), Route("POST", "/a/{x}/b/{y}", _nothing))
    assert find_route(routes, "POST", "/a/1/b/2")[1] == ("1", "2")
    assert find_route(routes, "HEAD", "/a/1")[1] == ("1",)
    for method, path in (("GET", "/a"), ("GET", "/a/"), ("GET", "/a/1/"), ("GET", "/a/1/b/2"), ("POST", "/a/1")):
        with pytest.raises(ClerkFailure):
            find_route(routes, method, path)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example/x?y", "https://a.example"),
        ("http://[::1]:3/x", "http://[::1]:3"),
        ("//a.example", None),
        ("https://u@a.example", None),
        ("https://a.example:99999", None),
        ("javascript:x", None),
        ("https://a.example\\.b.example", None),
        ("https://[", None),
    ],
)
def test_the_origin_of_a_url_is_exact_or_nothing(url: str, origin: str | None) -> None:
    assert origin_of_url(url) == origin


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x\r\nA: b"]
)
def test_a_form_without_the_file_is_refused(content_type: str) -> None:
    with pytest.raises(ClerkFailure):
        file_field(content_type, b"--x\r\n\r\n--x--", "file")


@given(st.binary(max_size=200))
def test_a_malformed_form_is_a_refusal_and_never_a_crash(body: bytes) -> None:
    try:
        file_field("multipart/form-data; boundary=x", b"--x\r\n" + body, "file")
    except ClerkFailure:
        pass


def test_ids_codes_and_secrets_have_their_shape_and_follow_the_seed() -> None:
    chance, twin = Chance(SeededEntropy(7)), Chance(SeededEntropy(7))
    made = chance.id("user")
    assert made == twin.id("user")
    assert made.startswith("user_")
    assert len(made) == 32
    assert made[5:].isalnum()
    assert len(chance.code()) == 6
    assert len(chance.secret()) == 43
    assert len({chance.id("sess") for _ in range(1000)}) == 1000
