"""Running functions over HTTP (wire 2.2).

The order of the checks is part of the promise: a request that is wrong in itself is refused, with `{code, message}`,
before anything runs; in particular an unknown `format` must not be noticed after a mutation has committed. A function
that fails is an answer, with status 200.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import orjson

from parabola.auth import AdminIdentity, Caller
from parabola.backend.backend import Backend
from parabola.definitions.paths import InvalidFunctionPath, canonical_path, display_path
from parabola.errors import BadRequest, Forbidden, InvalidValue, ProtocolError
from parabola.functions.outcome import FunctionError, Outcome
from parabola.server.json_bodies import decode_json, decode_json_object, kind_of
from parabola.server.messages import HttpRequest, HttpResponse
from parabola.sync.client_version import identify_client
from parabola.sync.versions import decode_ts, encode_ts
from parabola.values.wire import HttpFormat, encode_http, from_own_wire, http_from_wire

FORMATS: Final[dict[str, HttpFormat]] = {
    "json": "json",
    "convex_clean_json": "json",
    "convex_encoded_json": "convex_encoded_json",
    "convex_json": "convex_encoded_json",
    "export_json": "export_json",
}
TURN_S: Final = 0.005
"""How long the queries of a batch run before everybody else has a turn; the one that is running is not interrupted."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_FOUND_BY_NAME: Final = "Could not find function for '{}'. Did you forget to run `npx convex dev`?"
_MISSING: Final = object()

Runner = Callable[[str, Any, Caller, str], Awaitable[Outcome]]


class FunctionCall(NamedTuple):
    """A call as a request asks for it: canonical path, arguments still as JSON, and the format of the answer."""

    path: str
    args: Any
    format: HttpFormat


class FunctionApi:
    """The endpoints under `/api` that run functions."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._body_bytes_max = backend.config.limits.http_body_bytes_max

    async def query(self, request: HttpRequest) -> HttpResponse:
        """POST or GET `/api/query`."""
        if request.method == "POST":
            fields = await self._fields(request)
        else:
            fields = dict[str, Any](request.parameters())
            fields["args"] = decode_json(fields.get("args", "{}"), "The parameter `args`")
        return await self._run(request, _call(fields, _format_expected(request)), self._backend.run_query)

    async def mutation(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/mutation`."""
        call = _call(await self._fields(request), _format_expected(request))
        return await self._run(request, call, self._backend.run_mutation)

    async def action(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/action`."""
        call = _call(await self._fields(request), _format_expected(request))
        return await self._run(request, call, self._backend.run_action)

    async def function(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/function`: any function, by the admin."""
        fields = await self._fields(request)
        caller = await self.caller(request)
        if not isinstance(caller, AdminIdentity):
            raise Forbidden(
                "Calling functions of any kind needs the deploy key of this deployment. "
                "Send it as `Authorization: Convex <key>`.",
                code="BadDeployKey",
            )
        return await self._run_by_name(request, _call(fields, _format_expected(request)), caller)

    async def run(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/run/{module}/{…}/{function}`: any public function, by its path in the URL."""
        parts = [unquote(part) for part in request.raw_path.decode("latin-1").split("/")[3:]]
        if len(parts) < 2 or not all(parts):
            raise BadRequest(
                "The path must name a module and a function: /api/run/{module}/{function}.", code="MissingIdentifier"
            )
        fields = await self._fields(request)
        call = _call({**fields, "path": f"{'/'.join(parts[:-1])}:{parts[-1]}"}, "json")
        return await self._run_by_name(request, call, await self.caller(request))

    async def query_ts(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/query_ts`: a timestamp for `query_at_ts`."""
        return HttpResponse(orjson.dumps({"ts": encode_ts(self._backend.latest_readable_ts)}))

    async def query_at_ts(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/query_at_ts`: a query at an earlier timestamp."""
        fields = await self._fields(request)
        call = _call(fields, _format_expected(request))
        ts = await self._timestamp(fields.get("ts", _MISSING))

        async def run_at_ts(path: str, args: Any, identity: Caller, request_id: str) -> Outcome:
            return await self._backend.run_query(path, args, identity, request_id, ts=ts)

        return await self._run(request, call, run_at_ts)

    async def query_batch(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/query_batch`: several queries at one timestamp."""
        fields = await self._fields(request)
        queries = fields.get("queries")
        if not isinstance(queries, list) or not all(isinstance(entry, dict) for entry in queries):
            raise BadRequest("The field `queries` must be an array of objects.", code="BadJsonBody")
        limits = self._backend.config.limits
        if len(queries) > limits.batched_queries_max:
            raise BadRequest(
                f"The batch has {len(queries)} queries, and at most {limits.batched_queries_max} are answered. Send "
                "several batches.",
                code="BatchTooLarge",
            )
        format = _format_expected(request)
        calls = [_call(entry, format) for entry in queries]
        caller, request_id, ts = await self.caller(request), self.request_id(request), self._backend.latest_readable_ts

        async def run_at_ts(path: str, args: Any, identity: Caller, request_id: str) -> Outcome:
            return await self._backend.run_query(path, args, identity, request_id, ts=ts)

        results: list[bytes] = []
        bytes_left = limits.batch_bytes_max
        clock = self._backend.clock
        turn_ends = clock.monotonic() + TURN_S
        for call in calls:
            result = await self._answer(call, run_at_ts, caller, request_id)
            bytes_left -= len(result)
            if bytes_left < 0:
                raise BadRequest(
                    f"The answers to this batch are larger than {limits.batch_bytes_max} bytes, which is the limit. "
                    "Send fewer queries at a time, or let them return less.",
                    code="BatchTooLarge",
                )
            results.append(result)
            if clock.monotonic() >= turn_ends:
                # The timestamp stays what it is, so others may have their turn in between.
                await asyncio.sleep(0)
                turn_ends = clock.monotonic() + TURN_S
        return HttpResponse(b'{"results":[%b]}' % b",".join(results))

    async def caller(self, request: HttpRequest) -> Caller:
        """Who sends this request. Raises for credentials that do not hold."""
        header = request.header(b"authorization")
        admin_key = request.parameters().get("adminKey") if header is None and request.query else None
        return await self._backend.authenticator.from_header(header, admin_key)

    def request_id(self, request: HttpRequest) -> str:
        """The id that the client chose, or a fresh one. Texts that would not fit into a log line are not taken."""
        given = request.header(b"convex-request-id")
        return given if given and _REQUEST_ID.fullmatch(given) else self._backend.new_request_id()

    async def _fields(self, request: HttpRequest) -> dict[str, Any]:
        return decode_json_object(await request.body(self._body_bytes_max))

    async def _timestamp(self, text: Any) -> int:
        """The timestamp to read at for the one that a client names."""
        try:
            ts = decode_ts(text) if isinstance(text, str) else None
        except ProtocolError:
            ts = None
        if ts is None:
            raise BadRequest("The field `ts` must be a timestamp that /api/query_ts gave.", code="InvalidTimestamp")
        snapshot = await self._backend.snapshot_at(ts)
        if snapshot is None:
            raise BadRequest("The timestamp `ts` is in the future. Ask /api/query_ts for one.", code="InvalidTimestamp")
        return snapshot

    async def _run(self, request: HttpRequest, call: FunctionCall, run: Runner) -> HttpResponse:
        caller = await self.caller(request)
        return HttpResponse(await self._answer(call, run, caller, self.request_id(request)))

    async def _run_by_name(self, request: HttpRequest, call: FunctionCall, caller: Caller) -> HttpResponse:
        """Runs whatever the path names, by its kind."""
        kind = self._backend.kind_of(call.path, caller)
        request_id = self.request_id(request)
        runners: dict[str, Runner] = {
            "query": self._backend.run_query,
            "mutation": self._backend.run_mutation,
            "action": self._backend.run_action,
        }
        runner = None if kind is None else runners.get(kind)
        if runner is None:
            error = FunctionError(_NOT_FOUND_BY_NAME.format(display_path(call.path)), code="FunctionNotFound")
            outcome = Outcome(function=call.path, kind="unknown", error=error)
            return HttpResponse(self._body(outcome, call.format, request_id))
        return HttpResponse(await self._answer(call, runner, caller, request_id))

    async def _answer(self, call: FunctionCall, run: Runner, caller: Caller, request_id: str) -> bytes:
        try:
            args = from_own_wire(call.args)
        except InvalidValue as error:
            module, _, function = call.path.rpartition(":")
            text = f"Invalid arguments for {module}.js:{function}: {error.message}"
            failed = FunctionError(text, code="InvalidArguments")
            outcome = Outcome(function=call.path, kind="unknown", error=failed)
        else:
            outcome = await run(call.path, args, caller, request_id)
        return self._body(outcome, call.format, request_id)

    def _body(self, outcome: Outcome, format: HttpFormat, request_id: str) -> bytes:
        """The response object of an outcome. What is our fault, not the function's, is raised instead."""
        error = outcome.error
        lines = b"[]" if self._backend.config.redact else orjson.dumps(outcome.log_lines)
        if error is None:
            return b'{"status":"success","value":%b,"logLines":%b}' % (
                http_from_wire(outcome.value_json, format),
                lines,
            )
        self._backend.raise_if_system_fault(error)
        message = orjson.dumps(self._backend.client_error_text(error, request_id))
        data = b',"errorData":%b' % encode_http(error.data, format) if error.has_data() else b""
        return b'{"status":"error","errorMessage":%b%b,"logLines":%b}' % (message, data, lines)


def _format_expected(request: HttpRequest) -> HttpFormat:
    """The format for a call that names none: what old clients, which never did, go by."""
    client = identify_client(request.header(b"convex-client"), None)
    return "convex_encoded_json" if client.reads_encoded_values else "json"


def _call(fields: dict[str, Any], format_expected: HttpFormat) -> FunctionCall:
    """Checks what every call must have. Raises `BadRequest`."""
    path, args, format = fields.get("path", _MISSING), fields.get("args", _MISSING), fields.get("format")
    if not isinstance(path, str):
        raise _field_error("path", "a string such as 'messages:list'", path)
    if isinstance(args, list) and args:
        args = args[0]
    elif not isinstance(args, dict):
        raise _field_error("args", "an object, or an array whose first element is the object", args)
    if format is None:
        format = format_expected
    if not isinstance(format, str) or format not in FORMATS:
        shown = format if isinstance(format, str) else kind_of(format)
        raise BadRequest(f"format param must be one of [`json`]. Got {shown}", code="BadFormat")
    if fields.get("componentPath") not in (None, ""):
        raise BadRequest("This deployment has no components. Leave `componentPath` out.", code="ComponentNotFound")
    return FunctionCall(_canonical(path), args, FORMATS[format])


def _canonical(path: str) -> str:
    try:
        return canonical_path(path)
    except InvalidFunctionPath as error:
        raise BadRequest(
            f"{path} is not a valid path to a Convex function. {error.message}", code="BadConvexFunctionIdentifier"
        ) from None


def _field_error(name: str, expected: str, given: Any) -> BadRequest:
    found = "it is missing" if given is _MISSING else f"it is {kind_of(given)}"
    return BadRequest(f"The field `{name}` must be {expected}, but {found}.", code="BadJsonBody")
