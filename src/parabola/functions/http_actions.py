"""Serving one HTTP request by an HTTP action (semantics 10)."""

from __future__ import annotations

from typing import Any, Final

from parabola.auth.identity import Caller
from parabola.definitions.http_messages import Request, Response
from parabola.errors import InvalidFunctionCall
from parabola.functions.actions import ActionContext, ActionRun, ActionRunner
from parabola.functions.errors_text import describe
from parabola.functions.loader import Deployment
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
    # A body that is a stream is produced after this, and may go on using ctx.
    run.finished = isinstance(response.body, bytes)
    _note(run, None)
    return response


def _note(run: ActionRun, error: FunctionError | None) -> None:
    run.runner.note(
        run.call, Outcome(function=run.function.path, kind="http", error=error, log_lines=list(run.log.lines))
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
