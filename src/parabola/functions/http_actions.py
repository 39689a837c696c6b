"""Serving one HTTP request by an HTTP action (semantics 10)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Any, Final

from parabola.auth.identity import Caller
from parabola.definitions.http_messages import Request, Response
from parabola.errors import InvalidFunctionCall
from parabola.functions.actions import ActionContext, ActionRun, ActionRunner
from parabola.functions.errors_text import describe
from parabola.functions.loader import Deployment
from parabola.functions.logs import current_log
from parabola.functions.outcome import Call, FunctionError, Outcome
from parabola.functions.registry import RegisteredFunction

NO_ROUTER_TEXT: Final = "This Convex deployment does not have HTTP actions enabled."
NO_ROUTE_TEXT: Final = "No matching routes found"


async def run_http_action(
    actions: ActionRunner, deployment: Deployment, request: Request, identity: Caller, request_id: str, redact: bool
) -> Response:
    """The response to a request: the action's own, a 404 where no route fits, a 500 where it failed before it
    answered.
    """
    if deployment.http is None:
        return _plain(404, NO_ROUTER_TEXT)
    found = deployment.http.lookup(request.path, request.method)
    if found is None:
        return _plain(404, NO_ROUTE_TEXT)
    handler, _, route = found
    function = RegisteredFunction(f"http:{handler.__name__}", handler)
    call = Call(route, {}, identity=identity, visibility="internal", request_id=request_id, caller="http")
    run = ActionRun(actions.runner, deployment, call, function)
    answer: Response = await actions.spawn(_answer(actions, run, request, redact))
    return answer


async def _answer(actions: ActionRunner, run: ActionRun, request: Request, redact: bool) -> Response:
    response: object
    try:
        response = await actions.call_handler(run, lambda: run.function.handler(ActionContext(run), request))
        if not isinstance(response, Response):
            raise InvalidFunctionCall(
                f"The HTTP action {run.function.definition.__name__} returned {type(response).__name__}. "
                "Return a Response: "
                "`return Response(text, status=200)` or `return Response.json(value)`."
            )
    except Exception as error:
        described = describe(error, folder=run.deployment.folder, from_user_code=True)
        _note(run, described)
        return failure_response(described, run.call.request_id, redact)
    _note(run, None)
    if isinstance(response.body, bytes):
        run.finished = True
        return response
    # A new one: the handler may answer the next request with the same object.
    return Response(_as_it_is_sent(run, response.body), status=response.status, headers=response.headers)


async def _as_it_is_sent(run: ActionRun, body: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """A body that is produced after its head was sent: still part of the run, whose `ctx` and log it may go on using.
    Raises `ResponseBroken` in place of what it raises.
    """
    lines_before = len(run.log.lines)
    error: FunctionError | None = None
    chunks: AsyncIterator[Any] = aiter(body)
    try:
        while True:
            token = current_log.set(run.log)
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            finally:
                current_log.reset(token)
            if not isinstance(chunk, (bytes, bytearray, memoryview)):
                raise TypeError(
                    f"The body of the response gave {type(chunk).__name__} {chunk!r:.40}. Give bytes: encode text."
                )
            yield bytes(chunk)
    except Exception as failure:
        error = describe(failure, folder=run.deployment.folder, from_user_code=True)
        raise ResponseBroken(f"The body of the response to {run.function.path} ended in an error.") from None
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
        run.finished = True
        _note(run, error, lines_before)


class ResponseBroken(Exception):
    """A body that is sent as it is produced failed on the way. The failure is in the function log by then; all that
    can still be done is to break off.
    """


def _note(run: ActionRun, error: FunctionError | None, lines_before: int = 0) -> None:
    run.runner.note(
        run.call,
        Outcome(function=run.function.path, kind="http", error=error, log_lines=run.log.lines[lines_before:]),
    )


def failure_response(error: FunctionError, request_id: str, redact: bool) -> Response:
    """The 500 for an error that nobody caught, as JSON (wire 2.6)."""
    head = f"[Request ID: {request_id}] Server Error"
    body: dict[str, Any] = {"code": head}
    if not redact:
        message = error.message.removeprefix("Uncaught ")
        body = {"code": f"{head}: {message}", "trace": f"{error.message}\n{error.traceback}"}
    if error.has_data():
        body["data"] = error.data
    return Response.json(body, status=500)


def _plain(status: int, text: str) -> Response:
    return Response(text, status=status, headers={"Content-Type": "text/plain; charset=utf-8"})
