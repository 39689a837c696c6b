"""What the server's log has of the runs of functions."""

from __future__ import annotations

import logging

import pytest

from parabola import ActionCtx, ConvexError, MutationCtx, QueryCtx, action, mutation, query
from parabola.testing import FunctionCallError, TestBackend

LOGGER = "parabola.functions"


@query
async def quiet(ctx: QueryCtx):
    return 1


@query
async def chatty(ctx: QueryCtx):
    print("hello", {"n": 1})


@mutation
async def crash(ctx: MutationCtx):
    raise ValueError("out of ideas")


@mutation
async def refuse(ctx: MutationCtx):
    raise ConvexError({"code": 1})


@action
async def nested(ctx: ActionCtx):
    print("before")
    try:
        await ctx.run_mutation("m:crash", {})
    except ValueError:
        print("after")


FUNCTIONS = {"quiet": quiet, "chatty": chatty, "crash": crash, "refuse": refuse, "nested": nested}


@pytest.fixture
def t(caplog: pytest.LogCaptureFixture) -> TestBackend:
    caplog.set_level(logging.INFO, LOGGER)
    return TestBackend({"m": FUNCTIONS})


async def test_a_run_with_nothing_to_tell_is_not_logged(t: TestBackend, caplog: pytest.LogCaptureFixture) -> None:
    await t.query("m:quiet")
    assert caplog.records == []


async def test_printed_lines_are_logged_under_the_function(t: TestBackend, caplog: pytest.LogCaptureFixture) -> None:
    await t.query("m:chatty")
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("INFO", "m:chatty [LOG] 'hello' { n: 1 }")
    assert vars(record)["function"] == "m:chatty"


async def test_an_exception_is_an_error_with_its_place_and_request(
    t: TestBackend, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(FunctionCallError):
        await t.mutation("m:crash")
    [record] = caplog.records
    text = record.getMessage()
    assert record.levelname == "ERROR"
    assert f"mutation m:crash failed (request {vars(record)['request_id']}): Uncaught ValueError: out of ideas" in text
    assert "at crash (test_function_log.py:" in text


async def test_what_the_application_raised_on_purpose_is_information(
    t: TestBackend, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConvexError):
        await t.mutation("m:refuse")
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_a_refused_call_is_a_warning(t: TestBackend, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FunctionCallError):
        await t.mutation("m:nothing")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_failed_query_is_found_by_the_request_of_each_who_asked(
    t: TestBackend, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(FunctionCallError):
        await t.query("m:nothing")
    run, shared = caplog.records
    assert vars(shared)["answered_by"] == vars(run)["request_id"] != vars(shared)["request_id"]


async def test_the_lines_of_an_action_do_not_take_in_the_log_of_what_it_called(
    t: TestBackend, caplog: pytest.LogCaptureFixture
) -> None:
    await t.action("m:nested")
    assert [record.getMessage().splitlines() for record in caplog.records][1] == [
        "m:nested [LOG] 'before'",
        "m:nested [LOG] 'after'",
    ]
    assert "m:crash failed" in caplog.records[0].getMessage()
