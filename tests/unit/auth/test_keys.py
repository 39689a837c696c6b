"""When keys are fetched, and when they are not: nobody outside decides how often."""

from __future__ import annotations

import asyncio

import pytest

from parabola.auth.keys import FRESH_S, TOO_OLD_S, UNKNOWN_ID_LOADS_MAX, UNKNOWN_ID_REFILL_S
from parabola.errors import AuthProviderUnavailable, Unauthenticated
from tests.scenarios.oidc_issuer import SigningKey
from tests.unit.auth.doubles import DISCOVERY, KEYS, Setting

pytestmark = pytest.mark.anyio


async def refused(setting: Setting, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await setting.verifier.verify(token)


async def test_keys_are_fetched_once_while_they_are_fresh() -> None:
    setting = Setting()
    for _ in range(3):
        await setting.verifier.verify(setting.token(sub=str(_)))
    assert setting.documents.fetches == {DISCOVERY: 1, KEYS: 1}
    setting.clock.advance(FRESH_S)
    await setting.verifier.verify(setting.token(iat=setting.now))
    assert setting.documents.fetches[KEYS] == 2


async def test_concurrent_tokens_share_one_fetch() -> None:
    setting = Setting()
    tokens = [setting.token(sub=str(number)) for number in range(50)]
    verified = await asyncio.gather(*(setting.verifier.verify(token) for token in tokens))
    assert [each.identity.subject for each in verified] == [str(number) for number in range(50)]
    assert setting.documents.fetches[KEYS] == 1


async def test_a_caller_that_gives_up_does_not_take_the_fetch_from_the_others() -> None:
    setting = Setting()
    impatient = asyncio.create_task(setting.verifier.verify(setting.token(sub="impatient")))
    patient = asyncio.create_task(setting.verifier.verify(setting.token(sub="patient")))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).identity.subject == "patient"
    assert setting.documents.fetches[KEYS] == 1


async def test_a_rotated_key_is_accepted_at_once_and_the_old_one_no_longer() -> None:
    setting = Setting()
    old = setting.token()
    await setting.verifier.verify(old)
    new_key = SigningKey("key-2")
    setting.documents.keys = [new_key]
    assert (await setting.verifier.verify(new_key.sign(setting.claims()))).identity.subject == "alice"
    # Also for a token that was seen before: what was proved with a withdrawn key no longer counts.
    await refused(setting, old)


async def test_one_unknown_key_id_causes_one_fetch() -> None:
    setting = Setting()
    await setting.verifier.verify(setting.token())
    unknown = setting.key.sign(setting.claims(), kid="key-9")
    for _ in range(10):
        await refused(setting, unknown)
    assert setting.documents.fetches[KEYS] == 2


async def test_random_key_ids_do_not_cause_a_storm_of_fetches() -> None:
    setting = Setting()
    await setting.verifier.verify(setting.token())
    for number in range(200):
        await refused(setting, setting.key.sign(setting.claims(), kid=f"random-{number}"))
    assert setting.documents.fetches[KEYS] == 1 + UNKNOWN_ID_LOADS_MAX
    setting.clock.advance(UNKNOWN_ID_REFILL_S)
    for number in range(200):
        await refused(setting, setting.key.sign(setting.claims(), kid=f"more-{number}"))
    assert setting.documents.fetches[KEYS] == 2 + UNKNOWN_ID_LOADS_MAX


async def test_keys_outlive_an_outage_of_their_server_for_some_hours() -> None:
    setting = Setting()
    await setting.verifier.verify(setting.token())
    setting.documents.reachable = False
    setting.clock.advance(FRESH_S + 1)
    for number in range(20):
        await setting.verifier.verify(setting.token(sub=str(number)))
    # One attempt, then a pause: an outage must not make every request wait for a timeout.
    assert setting.documents.fetches[DISCOVERY] == 2
    setting.clock.advance(TOO_OLD_S)
    with pytest.raises(AuthProviderUnavailable):
        await setting.verifier.verify(setting.token())


async def test_a_failed_fetch_is_not_repeated_for_every_token() -> None:
    setting = Setting()
    setting.documents.reachable = False
    for _ in range(20):
        with pytest.raises(AuthProviderUnavailable):
            await setting.verifier.verify(setting.token())
    assert setting.documents.fetches[DISCOVERY] == 1
    setting.documents.reachable = True
    setting.clock.advance(1)
    assert (await setting.verifier.verify(setting.token())).identity.subject == "alice"


async def test_closing_stops_a_fetch_under_way() -> None:
    setting = Setting()
    waiting = asyncio.create_task(setting.verifier.verify(setting.token()))
    await asyncio.sleep(0)
    await setting.verifier.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
