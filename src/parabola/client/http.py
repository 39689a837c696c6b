"""Single calls over HTTP, without a connection: for scripts, jobs and servers."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Literal

import httpx
import msgspec

from parabola.client.address import CLIENT_HEADER, parse_address
from parabola.definitions.paths import canonical_path
from parabola.definitions.references import get_function_name
from parabola.errors import CallFailed, ClientError, ConvexError
from parabola.sync.client_peer import normalize_args
from parabola.values.wire import encode_wire, from_wire, to_wire

function_log = logging.getLogger("parabola.client.functions")

TIMEOUT_S: Final = 300.0
"""As long as a server may take for one call."""


class HttpClient:
    """Calls functions one by one; each is a request of its own.

    ::

        with HttpClient("http://127.0.0.1:3210") as client:
            client.mutation("messages:send", {"body": "hi"})

    Nothing is repeated when a request fails: a mutation whose answer was lost may have happened.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: str | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`url` is the server's; `auth` a user's token. `transport` is where requests go instead of the network."""
        address = parse_address(url)
        self._http = httpx.Client(
            base_url=address.http,
            headers=CLIENT_HEADER,
            timeout=timeout_s,
            transport=transport,
            # Loopback is never behind a proxy.
            trust_env=not address.is_loopback,
        )
        self._authorization: str | None = None
        if auth is not None:
            self.set_auth(auth)

    def set_auth(self, token: str) -> None:
        """Signs in with a user's token, until the next call of this kind."""
        self._authorization = f"Bearer {token}"

    def set_admin_auth(self, key: str, acting_as: Mapping[str, Any] | None = None) -> None:
        """Acts with an admin key, as the user with the attributes `acting_as` if they are given."""
        suffix = "" if acting_as is None else ":" + b64encode(encode_wire(normalize_args(acting_as))).decode()
        self._authorization = f"Convex {key}{suffix}"

    def clear_auth(self) -> None:
        """Signs out."""
        self._authorization = None

    def query(self, ref: object, args: Mapping[str, Any] | None = None) -> Any:
        """The result of a query.

        Raises `ConvexError` with its data if the function raised one, `CallFailed` for any other failure of the
        function, `ClientError` for what the server or the network refused.
        """
        return self._call("query", ref, args)

    def consistent_query(self, ref: object, args: Mapping[str, Any] | None = None, *, ts: str | None = None) -> Any:
        """The result of a query at one timestamp: that of `query_ts()`, so that several queries see one moment."""
        return self._call("query_at_ts", ref, args, ts=ts if ts is not None else self.query_ts())

    def query_ts(self) -> str:
        """The newest timestamp, for `consistent_query`; good for about 30 seconds."""
        answer = self._post("/api/query_ts", b"")
        return str(answer["ts"])

    def mutation(self, ref: object, args: Mapping[str, Any] | None = None) -> Any:
        """Runs a mutation. Raises as `query` does."""
        return self._call("mutation", ref, args)

    def action(self, ref: object, args: Mapping[str, Any] | None = None) -> Any:
        """Runs an action. Raises as `query` does."""
        return self._call("action", ref, args)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self,
        how: Literal["query", "query_at_ts", "mutation", "action"],
        ref: object,
        args: Mapping[str, Any] | None,
        **more: str,
    ) -> Any:
        path = canonical_path(get_function_name(ref))
        values = to_wire(normalize_args(args))
        body = msgspec.json.encode({"path": path, "format": "convex_encoded_json", "args": [values], **more})
        answer = self._post(f"/api/{how}", body)
        for line in answer.get("logLines") or ():
            function_log.info("[%s(%s)] %s", how[0].upper(), path, line)
        if answer.get("status") == "success":
            return from_wire(answer.get("value"))
        if answer.get("status") != "error":
            raise ClientError(f"The server's answer to {path} is neither a success nor an error: {answer!r:.200}")
        if "errorData" in answer:
            raise ConvexError(from_wire(answer["errorData"]))
        raise CallFailed(str(answer.get("errorMessage")))

    def _post(self, path: str, body: bytes) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        try:
            response = self._http.post(path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ClientError(f"The server could not be reached: {error}", code="ConnectionLost") from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ClientError(f"The server answered with status {response.status_code} and: {response.text[:200]}")
        # 560 is how some servers mark a function's own failure.
        if response.status_code not in (200, 560):
            message = answer.get("message", response.text[:200])
            raise ClientError(f"{message} (status {response.status_code})", code=str(answer.get("code", "ClientError")))
        return answer
