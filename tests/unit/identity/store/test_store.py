"""The store: transactions, what is unique, and what is pruned."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parabola.identity.failures import ClerkFailure
from parabola.identity.records import Client, EmailAddress, Session, SignIn, User
from parabola.identity.store.store import Store
from parabola.identity.store.work import Work
from parabola.identity.upkeep import INTERVAL_MS, KEEP_ENDED_SESSIONS_MS, KEEP_IDLE_CLIENTS_MS, Upkeep
from tests.unit.identity.doubles import Desk

pytestmark = pytest.mark.anyio

DAY_MS = 86_400_000


@pytest.fixture(params=["memory", "file"])
async def store(anyio_backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(None if request.param == "memory" else tmp_path)
    await opened.open()
    yield opened
    await opened.close()


def add_user(work: Work, user_id: str = "user_1", address: str = "ada@example.com") -> None:
    work.save_user(User(user_id, 0, 0))
    work.save_email(EmailAddress(f"idn_{user_id}", user_id, address, 0, 0))


async def test_what_is_saved_is_read_back_whole(store: Store) -> None:
    user = User("user_1", 1, 2, first_name="Ada", public_metadata={"a": [1, {"b": None}]}, locked_until=5)
    await store.transact(lambda work: work.save_user(user))
    assert await store.transact(lambda work: work.user("user_1")) == user


async def test_a_failing_step_writes_nothing(store: Store) -> None:
    def step(work: Work) -> None:
        add_user(work)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await store.transact(step)
    assert await store.transact(lambda work: work.user("user_1")) is None


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_refusal_keeps_its_changes_only_if_it_says_so(store: Store, keeps: bool) -> None:
    def step(work: Work) -> None:
        add_user(work)
        raise ClerkFailure(422, "x", "refused", keeps_changes=keeps)

    with pytest.raises(ClerkFailure):
        await store.transact(step)
    assert (await store.transact(lambda work: work.user("user_1")) is not None) is keeps


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda work: add_user(work, "user_2", "ada@example.com"), "email_address"),
        (lambda work: work.save_user(User("user_2", 0, 0, username="ada")), "username"),
        (lambda work: work.save_user(User("user_2", 0, 0, external_id="crm-1")), "external_id"),
    ],
)
async def test_what_must_be_unique_is_refused_by_name(store: Store, change: Any, field: str) -> None:
    def first(work: Work) -> None:
        work.save_user(User("user_1", 0, 0, username="ada", external_id="crm-1"))
        work.save_email(EmailAddress("idn_1", "user_1", "ada@example.com", 0, 0))

    await store.transact(first)
    with pytest.raises(ClerkFailure) as caught:
        await store.transact(change)
    assert (caught.value.code, caught.value.param) == ("form_identifier_exists", field)
    assert await store.transact(lambda work: work.user("user_2")) is None


async def test_two_processes_cannot_both_take_an_address(tmp_path: Path) -> None:
    stores = [Store(tmp_path), Store(tmp_path)]
    for store in stores:
        await store.open()
    outcomes = await asyncio.gather(
        *(store.transact(lambda work, n=n: add_user(work, f"user_{n}")) for n, store in enumerate(stores)),  # type: ignore[misc]
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes].count(ClerkFailure) == 1
    for store in stores:
        await store.close()


async def test_a_deleted_user_takes_everything_along(store: Store) -> None:
    def step(work: Work) -> None:
        add_user(work)
        work.set_password_hash("user_1", "hash")
        work.save_session(Session("sess_1", "client_1", "user_1", 0, 0, 0, 1, 1, 0))
        work.delete_user("user_1")
        assert work.email_by_address("ada@example.com") is None
        assert work.password_hash("user_1") is None
        assert work.session("sess_1") is None

    await store.transact(step)


async def test_a_search_takes_its_wildcards_literally(store: Store) -> None:
    def step(work: Work) -> None:
        add_user(work, "user_1", "per%cent@example.com")
        add_user(work, "user_2", "plain@example.com")
        assert [user.id for user in work.find_users(query="%")] == ["user_1"]
        assert work.count_users(query="_") == 2, "the ids have an underscore"
        assert work.count_users(query="\\") == 0

    await store.transact(step)


async def test_upkeep_drops_what_is_long_over_and_nothing_else(store: Store) -> None:
    now = 1000 * DAY_MS

    def step(work: Work) -> None:
        add_user(work)
        for name, ended in (("old", now - KEEP_ENDED_SESSIONS_MS), ("new", now - 1), ("alive", 0)):
            session = Session(f"sess_{name}", "client_used", "user_1", 0, ended, 0, 1, 1, 0)
            session.status = "active" if name == "alive" else "ended"
            work.save_session(session)
        for name in ("used", "idle"):
            work.save_client(Client(f"client_{name}", now - KEEP_IDLE_CLIENTS_MS, 0))
        work.save_client(Client("client_young", now, 0))
        work.add_credential("dead", "cookie", "client_used", now)
        work.add_credential("valid", "cookie", "client_used", now + 1)
        work.save_attempt(SignIn("sia_old", "client_used", 0, now))
        work.save_attempt(SignIn("sia_open", "client_used", 0, now + 1))
        upkeep = Upkeep()
        upkeep.run_if_due(work, now)
        assert [work.session(f"sess_{name}") is not None for name in ("old", "new", "alive")] == [False, True, True]
        assert [work.client(f"client_{name}") is not None for name in ("used", "idle", "young")] == [True, False, True]
        assert work.credential("dead", "cookie", now - 1) is None
        assert work.credential("valid", "cookie", now) == ("client_used",)
        assert (work.sign_in("sia_old"), work.sign_in("sia_open") is not None) == (None, True)
        work.add_credential("dead", "cookie", None, now)
        upkeep.run_if_due(work, now + INTERVAL_MS - 1)
        assert work.credential("dead", "cookie", now - 1) == (None,)
        upkeep.run_if_due(work, now + INTERVAL_MS)
        assert work.credential("dead", "cookie", now - 1) is None

    await store.transact(step)


async def test_a_file_is_durable_and_refers_to_what_exists(tmp_path: Path) -> None:
    async with Desk(data_dir=tmp_path) as desk:
        await desk.browser().sign_up()
        connection = sqlite3.connect(tmp_path / "identity.sqlite3")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
