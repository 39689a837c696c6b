"""One call in, one outcome out: what is checked around a handler, and what comes of it (semantics 3.3, 3.4, 18)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola import UNDEFINED, ConvexError, Int64, internal_query, mutation, query, v
from parabola.functions.errors_text import error_text
from parabola.functions.outcome import Call, Outcome
from parabola.limits import Limits
from tests.unit.functions.harness import ALICE, Engine, message_of, value_of


@mutation
async def send(ctx: Any, body: str) -> str:
    return await ctx.db.insert("messages", {"body": body})


@query
async def bodies(ctx: Any):
    return [doc["body"] for doc in await ctx.db.query("messages").collect()]


@query(args={"n": v.number()}, returns=v.string())
async def as_text(ctx: Any, n: float) -> str:
    return n if n < 0 else str(n)  # type: ignore[return-value]


@internal_query
async def secret(ctx: Any) -> str:
    return "hidden"


@query
async def anything(ctx: Any, args):
    return args


FUNCTIONS = {
    "messages:send": send,
    "messages:bodies": bodies,
    "messages:as_text": as_text,
    "messages:secret": secret,
    "messages:default": anything,
}


@pytest.fixture
def engine() -> Engine:
    return Engine(FUNCTIONS)


def test_a_mutation_writes_and_a_query_reads_it(engine: Engine) -> None:
    sent = engine.mutation("messages:send", {"body": "hi"})
    assert sent.error is None
    assert value_of(engine.query("messages:bodies")) == ["hi"]


def test_the_outcome_says_when_it_was_and_what_it_depended_on(engine: Engine) -> None:
    sent = engine.mutation("messages:send", {"body": "hi"})
    seen = engine.query("messages:bodies")
    assert sent.ts == seen.ts == engine.database.durable_ts
    assert seen.read_set is not None
    assert seen.read_set.range_count > 0
    assert seen.value_json == b'["hi"]'
    assert (seen.used_identity, seen.used_time, seen.used_environment, seen.journal) == (False, False, False, None)


@pytest.mark.parametrize("path", ["messages:as_text", "messages:asText", "messages.js:as_text", "messages.js:asText"])
def test_a_function_answers_to_every_spelling_and_is_reported_by_one(engine: Engine, path: str) -> None:
    outcome = engine.query(path, {"n": 1.5})
    assert (outcome.value, outcome.function) == ("1.5", "messages:as_text")


def test_a_default_export_is_callable_by_its_module_alone(engine: Engine) -> None:
    assert value_of(engine.query("messages", {"a": 1})) == {"a": 1}


@pytest.mark.parametrize("path", ["messages:nope", "messages:secret", "nowhere:at_all", "not a path"])
def test_an_unknown_function_and_an_internal_one_are_refused_with_the_same_text(engine: Engine, path: str) -> None:
    assert message_of(engine.query(path)) == f"Could not find public function for '{path}'."


def test_a_function_named_with_a_dot_is_answered_with_the_colon(engine: Engine) -> None:
    assert message_of(engine.query("messages.as_text")) == (
        "Could not find public function for 'messages.as_text'. "
        "Names have a colon before the function: write 'messages:as_text'."
    )


def test_an_internal_function_answers_to_whoever_may_reach_it(engine: Engine) -> None:
    assert value_of(engine.query("messages:secret", visibility="internal")) == "hidden"


def test_the_wrong_kind_is_named_with_the_right_one(engine: Engine) -> None:
    text = "Trying to execute messages.js:send as Query, but it is defined as Mutation."
    assert message_of(engine.query("messages:send", {"body": 1})) == text


def test_the_visibility_is_checked_before_the_kind_and_the_kind_before_the_arguments(engine: Engine) -> None:
    assert message_of(engine.mutation("messages:secret", {"x": 1})).startswith("Could not find public function")
    assert message_of(engine.query("messages:send", {"body": 1})).startswith("Trying to execute")
    assert message_of(engine.mutation("messages:send", {"body": 1})).startswith("ArgumentValidationError: ")


def test_arguments_that_do_not_match_are_refused_before_the_handler_runs(engine: Engine) -> None:
    outcome = engine.mutation("messages:send", {"body": 1})
    assert message_of(outcome) == (
        "ArgumentValidationError: Value does not match validator.\nPath: .body\nValue: 1.0\nValidator: v.string()"
    )
    assert engine.rows("messages") == []


@pytest.mark.parametrize("args", [{}, {"body": "a", "extra": 1}])
def test_missing_and_undeclared_arguments_are_refused(engine: Engine, args: dict[str, Any]) -> None:
    assert message_of(engine.mutation("messages:send", args)).startswith("ArgumentValidationError: Object ")


@pytest.mark.parametrize(("args", "shown"), [([1], "[1.0]"), ("x", '"x"'), (None, "null")])
def test_arguments_that_are_not_one_object_are_refused(args: Any, shown: str) -> None:
    engine = Engine(FUNCTIONS)
    outcome = engine.runner.run_query(Call("messages:bodies", args))
    assert isinstance(outcome, Outcome)
    text = f"Expected to receive an object as the function's argument. Instead received: {shown}"
    assert message_of(outcome) == text


def test_a_result_that_does_not_match_is_refused(engine: Engine) -> None:
    text = "ReturnsValidationError: Value does not match validator.\nPath: \nValue: -1.0\nValidator: v.string()"
    assert message_of(engine.query("messages:as_text", {"n": -1})).splitlines()[0] == text.splitlines()[0]


def test_a_mutation_whose_result_is_refused_leaves_nothing_behind() -> None:
    @mutation(returns=v.number())
    async def wrong(ctx: Any):
        return await ctx.db.insert("messages", {"body": "x"})

    engine = Engine({"m:wrong": wrong})
    assert message_of(engine.mutation("m:wrong")).startswith("ReturnsValidationError: ")
    assert engine.rows("messages") == []


def test_arguments_and_results_beyond_their_size_are_refused() -> None:
    @query
    async def echo(ctx: Any, text: str):
        return text * 3

    engine = Engine({"m:echo": echo}, limits=Limits(arguments_bytes_max=2000, result_bytes_max=3000))
    assert message_of(engine.query("m:echo", {"text": "x" * 2500})).startswith("Arguments for m:echo are too large")
    assert message_of(engine.query("m:echo", {"text": "x" * 1500})).startswith(
        "Function m:echo return value is too large"
    )


@pytest.mark.parametrize("returned", [None, UNDEFINED])
def test_returning_nothing_is_returning_null(returned: object) -> None:
    @query
    async def nothing(ctx: Any):
        return returned

    outcome = Engine({"m:nothing": nothing}).query("m:nothing")
    assert (outcome.value, outcome.value_json) == (None, b"null")


def test_returning_a_query_that_was_not_consumed_is_explained() -> None:
    @query
    async def unfinished(ctx: Any):
        return ctx.db.query("messages")

    assert message_of(Engine({"m:unfinished": unfinished}).query("m:unfinished")) == (
        "Return value is a Query. Results must be retrieved with `.collect()`, `.take(n), `.unique()`, or `.first()`."
    )


def test_returning_a_generator_is_explained() -> None:
    @query
    async def endless(ctx: Any):
        return (n for n in range(3))

    assert "it is a generator" in message_of(Engine({"m:endless": endless}).query("m:endless"))


def test_returning_what_is_no_value_names_the_function() -> None:
    @query
    async def strange(ctx: Any):
        return {"at": object()}

    assert message_of(Engine({"m:strange": strange}).query("m:strange")).startswith(
        "Function m:strange return value invalid: "
    )


def test_plain_handlers_are_accepted_too() -> None:
    @query
    def plain(ctx: Any, n: int):
        return n + 1

    @query
    def passing_on(ctx: Any):
        return ctx.db.query("messages").collect()

    engine = Engine({"m:plain": plain, "m:passing_on": passing_on})
    assert value_of(engine.query("m:plain", {"n": 1})) == 2
    assert value_of(engine.query("m:passing_on")) == []


def test_an_exception_is_reported_with_the_lines_of_user_code_it_passed_through(engine: Engine) -> None:
    def helper() -> None:
        raise ValueError("boom")

    @mutation
    async def broken(ctx: Any):
        await ctx.db.insert("messages", {"body": "x"})
        helper()

    engine = Engine({"m:broken": broken})
    outcome = engine.mutation("m:broken")
    assert message_of(outcome) == "Uncaught ValueError: boom"
    assert outcome.error is not None
    first, second = outcome.error.traceback.splitlines()
    assert "helper (test_runner.py:" in first
    assert "broken (test_runner.py:" in second
    assert engine.rows("messages") == []


def test_the_text_for_clients_is_whole_in_development_and_only_an_id_in_production() -> None:
    @query
    async def broken(ctx: Any):
        raise ValueError("boom")

    error = Engine({"m:broken": broken}).query("m:broken").error
    assert error is not None
    shown = error_text(error, "0123", redact=False)
    assert shown.startswith("[Request ID: 0123] Server Error\nUncaught ValueError: boom\n    at ")
    assert error_text(error, "0123", redact=True) == "[Request ID: 0123] Server Error"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("Out of stock", "Uncaught ConvexError: Out of stock"),
        ({"code": 1, "n": Int64(3)}, 'Uncaught ConvexError: {"code":1,"n":{"$integer":"AwAAAAAAAAA="}}'),
        (None, "Uncaught ConvexError: null"),
    ],
)
def test_a_convex_error_carries_its_data(data: Any, line: str) -> None:
    @query
    async def refuse(ctx: Any):
        raise ConvexError(data)

    outcome = Engine({"m:refuse": refuse}).query("m:refuse")
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.data) == (line, data)


def test_convex_error_data_that_is_no_value_is_an_error_of_the_developer() -> None:
    @query
    async def refuse(ctx: Any):
        raise ConvexError({1: 2})

    outcome = Engine({"m:refuse": refuse}).query("m:refuse")
    assert outcome.error is not None
    assert not outcome.error.has_data()
    assert "its data is not a value" in outcome.error.message


def test_asking_for_the_identity_is_noted_also_when_there_is_none() -> None:
    @query
    async def who(ctx: Any):
        identity = await ctx.auth.get_user_identity()
        return None if identity is None else [identity["subject"], identity.given_name, identity.token_identifier]

    engine = Engine({"m:who": who})
    nobody = engine.query("m:who")
    assert (nobody.value, nobody.used_identity) == (None, True)
    alice = engine.query("m:who", identity=ALICE)
    assert (alice.value, alice.used_identity) == (["alice", "Al", "https://issuer|alice"], True)


def test_time_is_frozen_and_noted_and_chance_is_seeded() -> None:
    @query
    async def now(ctx: Any):
        return [ctx.now(), ctx.now(), ctx.random.random()]

    engine = Engine({"m:now": now})
    outcome = engine.query("m:now")
    first, second, chance = value_of(outcome)
    assert first == second == engine.clock.now_ns() / 1e6
    assert outcome.used_time
    assert 0 <= chance < 1


def test_arguments_belong_to_the_handler_alone() -> None:
    @mutation
    async def change(ctx: Any, args: dict[str, Any]):
        args["list"].append(1)
        return len(args["list"])

    engine = Engine({"m:change": change})
    args: dict[str, Any] = {"list": []}
    assert [value_of(engine.mutation("m:change", args)), value_of(engine.mutation("m:change", args))] == [1, 1]
    assert args == {"list": []}


async def _two_waits(ctx: Any) -> list[str]:
    await asyncio.sleep(0)
    before = await ctx.db.query("messages").collect()
    await asyncio.sleep(0.001)
    return [doc["body"] for doc in before]


def test_a_handler_that_waits_goes_on_in_a_task() -> None:
    waits = query(_two_waits)
    engine = Engine({**FUNCTIONS, "m:waits": waits})
    engine.mutation("messages:send", {"body": "hi"})
    assert value_of(asyncio.run(engine.query_async("m:waits"))) == ["hi"]


def test_environment_variables_are_read_and_noted() -> None:
    @query
    async def region(ctx: Any):
        return [ctx.env["REGION"], ctx.env.get("MISSING"), "REGION" in ctx.env]

    @query
    async def missing(ctx: Any):
        return ctx.env["MISSING"]

    engine = Engine({"m:region": region, "m:missing": missing}, environment={"REGION": "eu"})
    outcome = engine.query("m:region")
    assert (outcome.value, outcome.used_environment) == (["eu", None, True], True)
    assert "The environment variable MISSING is not set." in message_of(engine.query("m:missing"))


def test_metadata_names_the_function_and_counts_the_transaction() -> None:
    @mutation
    async def about(ctx: Any):
        await ctx.db.insert("t", {})
        metrics = await ctx.meta.get_transaction_metrics()
        deployment = await ctx.meta.get_deployment_metadata()
        return [
            await ctx.meta.get_function_metadata(),
            metrics["documentsWritten"]["used"],
            deployment["region"],
            (await ctx.meta.get_request_metadata())["requestId"],
        ]

    metadata, written, region, request_id = value_of(Engine({"m:default": about}).mutation("m"))
    assert metadata == {"name": "m", "componentPath": "", "type": "mutation", "visibility": "public"}
    assert (written, region, request_id) == (1, None, "abc")


def test_a_query_has_no_way_to_write() -> None:
    @query
    async def sneaky(ctx: Any):
        await ctx.db.insert("t", {})

    assert "A query cannot write" in message_of(Engine({"m:sneaky": sneaky}).query("m:sneaky"))


def test_a_check_of_a_validator_that_raises_is_shown_as_what_it_is() -> None:
    def halves(value: Any) -> bool:
        return bool(1 / value)

    @query(args={"n": v.pipe(v.number(), v.check(halves))})
    async def checked(ctx: Any, n: float): ...

    outcome = Engine({"m:checked": checked}).query("m:checked", {"n": 0})
    assert message_of(outcome) == "Uncaught ZeroDivisionError: division by zero"
    assert outcome.error is not None
    assert "at test_a_check_of_a_validator" in outcome.error.traceback


async def test_what_a_task_group_was_ended_by_is_told_as_it_was_raised() -> None:
    @query
    async def one(ctx: Any):
        async with asyncio.TaskGroup() as group:
            group.create_task(failing(ConvexError({"left": 0})))

    @query
    async def several(ctx: Any):
        raise ExceptionGroup("two", [ValueError("a"), ConvexError("b")])

    @query
    async def catching(ctx: Any):
        try:
            await ctx.run_query("m:one")
        except ConvexError as error:
            return error.data

    async def failing(error: Exception) -> None:
        await asyncio.sleep(0)
        raise error

    engine = Engine({"m:one": one, "m:several": several, "m:catching": catching})
    outcome = await engine.query_async("m:one")
    assert outcome.error is not None
    assert outcome.error.data == {"left": 0}
    assert value_of(await engine.query_async("m:catching")) == {"left": 0}
    assert message_of(await engine.query_async("m:several")) == (
        "Uncaught ExceptionGroup: two (2 sub-exceptions)\n  ValueError: a\n  ConvexError: b"
    )
