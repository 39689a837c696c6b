"""`TestBackend`: what the tests of an application rest on."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import Any

import pytest

from parabola import (
    UNDEFINED,
    ActionCtx,
    ConvexError,
    HttpRouter,
    MutationCtx,
    QueryCtx,
    Request,
    Response,
    action,
    api,
    define_schema,
    define_table,
    http_action,
    internal,
    internal_query,
    mutation,
    query,
    v,
)
from parabola.errors import InvalidValue, LoadError
from parabola.testing import FunctionCallError, TestBackend


@query
async def list(ctx: QueryCtx):
    return [row["body"] for row in await ctx.db.query("messages").collect()]


@mutation
async def send(ctx: MutationCtx, body: str) -> str:
    return await ctx.db.insert("messages", {"body": body})


@action
async def relay(ctx: ActionCtx, body: str):
    return await ctx.run_mutation("messages:send", {"body": body})


@mutation
async def fail(ctx: MutationCtx, args: dict[str, Any]):
    raise ConvexError(args["data"]) if "data" in args else ValueError("out of ideas")


@internal_query
async def secret(ctx: QueryCtx):
    return "secret"


@query
async def whoami(ctx: QueryCtx):
    identity = await ctx.auth.get_user_identity()
    return identity and identity["subject"]


@query
async def now(ctx: QueryCtx):
    return ctx.now()


MESSAGES = {
    "list": list,
    "send": send,
    "relay": relay,
    "fail": fail,
    "secret": secret,
    "whoami": whoami,
    "now": now,
}


def messages() -> TestBackend:
    return TestBackend({"messages": MESSAGES})


def folder(root: Path, **files: str) -> Path:
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    return root


LISTING = """
from parabola import query
@query
async def list(ctx):
    return await ctx.db.query("messages").collect()
"""


async def test_functions_are_called_by_name_and_by_reference() -> None:
    async with messages() as t:
        await t.mutation("messages:send", {"body": "a"})
        await t.mutation(api.messages.send, {"body": "b"})
        await t.action(api.messages.relay, {"body": "c"})
        assert await t.query("messages:list") == await t.query(api.messages.list) == ["a", "b", "c"]


async def test_a_folder_is_loaded_and_a_broken_one_refused(tmp_path: Path) -> None:
    good = TestBackend(folder(tmp_path / "good", messages=LISTING))
    assert await good.query("messages:list") == []
    with pytest.raises(LoadError, match=r"broken/messages\.py:1"):
        TestBackend(folder(tmp_path / "broken", messages="import nothing_of_that_name"))


async def test_a_schema_may_be_given_with_the_functions() -> None:
    schema = define_schema(messages=define_table(body=v.string(), stars=v.number()))
    t = TestBackend({"messages": MESSAGES}, schema=schema)
    with pytest.raises(FunctionCallError, match="does not match the schema"):
        await t.mutation("messages:send", {"body": "no stars"})


async def test_each_backend_has_its_own_data() -> None:
    first, second = messages(), messages()
    await first.mutation("messages:send", {"body": "a"})
    assert await second.query("messages:list") == []


async def test_run_is_one_transaction_with_writes() -> None:
    t = messages()

    async def body(ctx: MutationCtx) -> str:
        await ctx.db.insert("messages", {"body": "kept"})
        return await ctx.db.insert("messages", {"body": "too"})

    document_id = await t.run(body)
    assert await t.query("messages:list") == ["kept", "too"]
    assert (await t.run(lambda ctx: ctx.db.get(document_id)))["body"] == "too"


async def test_run_that_raises_writes_nothing() -> None:
    t = messages()

    async def body(ctx: MutationCtx) -> None:
        await ctx.db.insert("messages", {"body": "gone"})
        raise ValueError("no")

    with pytest.raises(FunctionCallError, match="no") as failure:
        await t.run(body)
    assert isinstance(failure.value.__cause__, ValueError)
    assert await t.query("messages:list") == []


async def test_a_convex_error_reaches_the_test_with_its_data() -> None:
    with pytest.raises(ConvexError) as failure:
        await messages().mutation("messages:fail", {"data": {"code": 1}})
    assert failure.value.data == {"code": 1}


async def test_any_other_error_reaches_the_test_with_its_text_and_its_cause() -> None:
    with pytest.raises(FunctionCallError, match="Uncaught ValueError: out of ideas") as failure:
        await messages().mutation("messages:fail")
    assert isinstance(failure.value.__cause__, ValueError)


async def test_internal_functions_are_reached_by_internal_references_only() -> None:
    t = messages()
    assert await t.query(internal.messages.secret) == "secret"
    for reference in ("messages:secret", api.messages.secret):
        with pytest.raises(FunctionCallError, match="Could not find public function"):
            await t.query(reference)


async def test_an_internal_reference_keeps_the_callers_identity() -> None:
    t = messages()
    assert await t.with_identity(subject="ada").query(internal.messages.whoami) == "ada"
    assert await t.query(internal.messages.whoami) is None


async def test_identities_are_separate_and_may_be_derived_again() -> None:
    t = messages()
    ada = t.with_identity(subject="ada")
    assert await ada.query("messages:whoami") == "ada"
    assert await ada.with_identity(subject="bob").query("messages:whoami") == "bob"
    assert await t.query("messages:whoami") is None
    assert await t.with_identity().query("messages:whoami") != await t.with_identity().query("messages:whoami")


async def test_a_token_identifier_gives_issuer_and_subject() -> None:
    t = messages().with_identity(tokenIdentifier="https://issuer|ada")
    assert await t.query("messages:whoami") == "ada"
    assert await t.run(lambda ctx: ctx.auth.get_user_identity()) == {
        "tokenIdentifier": "https://issuer|ada",
        "issuer": "https://issuer",
        "subject": "ada",
    }


async def test_time_stands_still_until_it_is_advanced() -> None:
    t = messages()
    before = await t.query("messages:now")
    assert await t.query("messages:now") == pytest.approx(before, abs=1)
    t.clock.advance(seconds=10)
    assert await t.query("messages:now") == pytest.approx(before + 10_000, abs=1)
    assert await t.run(lambda ctx: _value(ctx.now())) == pytest.approx(before + 10_000, abs=1)
    t.clock.advance(hours=1, minutes=1)
    assert await t.run(lambda ctx: _value(ctx.now())) == pytest.approx(before + 10_000 + 3_660_000, abs=1)


async def _value(value: float) -> float:
    return value


async def test_one_seed_draws_the_same_ids_and_another_does_not() -> None:
    async def first_id(seed: int) -> str:
        t = TestBackend({"messages": MESSAGES}, seed=seed)
        document_id: str = await t.mutation("messages:send", {"body": "a"})
        return document_id

    assert await first_id(1) == await first_id(1) != await first_id(2)


async def test_documents_of_later_transactions_come_later() -> None:
    t = messages()
    for number in range(20):
        await t.mutation("messages:send", {"body": str(number)})
    assert await t.query("messages:list") == [str(number) for number in range(20)]


async def test_concurrent_calls_are_serialized() -> None:
    t = messages()
    await asyncio.gather(*(t.mutation("messages:send", {"body": str(number)}) for number in range(10)))
    assert sorted(await t.query("messages:list")) == [str(number) for number in range(10)]


async def test_arguments_are_checked_as_for_a_client() -> None:
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await messages().mutation("messages:send", {"body": 1})


http = HttpRouter()


@http.route(path="/echo", method="POST")
@http_action
async def echo(ctx: ActionCtx, request: Request) -> Response:
    identity = await ctx.auth.get_user_identity()
    await ctx.run_mutation("messages:send", {"body": await request.text()})
    return Response(f"{request.headers.get('x-mark')} {identity and identity['subject']}", status=201)


async def test_fetch_reaches_http_actions() -> None:
    t = TestBackend({"messages": MESSAGES}, http=http)
    answer = await t.fetch("/echo", method="POST", headers={"X-Mark": "1"}, body="posted")
    assert (answer.status_code, answer.text) == (201, "1 None")
    as_ada = await t.with_identity(subject="ada").fetch("/echo", method="POST", body=b"bytes")
    assert as_ada.text == "None ada"
    assert await t.query("messages:list") == ["posted", "bytes"]
    assert (await t.fetch("/nothing?x=1")).status_code == 404


async def test_fetch_wants_a_path() -> None:
    with pytest.raises(ValueError, match="Begin it with a slash"):
        await messages().fetch("echo")


async def test_arguments_are_what_a_client_could_have_sent() -> None:
    @query
    async def echo(ctx: QueryCtx, args: dict[str, Any]):
        return args

    t = TestBackend({"m": {"echo": echo}})
    given = {"a": UNDEFINED, "b": bytearray(b"x"), "c": [1]}
    assert await t.query("m:echo", given) == {"b": b"x", "c": [1]}
    with pytest.raises(InvalidValue, match=r"datetime .* is not a supported Convex type \(present at path \.when"):
        await t.query("m:echo", {"when": datetime.datetime.now(datetime.UTC)})
