"""Calls to a running server over its HTTP API, as an administrator."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import httpx

from parabola.cli.failure import CommandFailed
from parabola.cli.rendering import plain_numbers

CLIENT_NAME = "parabola-cli-0.1.0"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned (as the JSON of the wire, whole floats as integers) and what it printed."""

    value: Any
    log_lines: list[str]


class FunctionFailed(CommandFailed):
    """The server ran the call and it failed; `data` is what a ConvexError carried, `log_lines` what was printed."""

    def __init__(self, message: str, *, data: Any = None, log_lines: list[str] | None = None) -> None:
        super().__init__(message)
        self.data = data
        self.log_lines = log_lines if log_lines is not None else []


def admin_token(admin_key: str, identity: dict[str, Any] | None) -> str:
    """The key as the server takes it, with the user to act as (wire 2.3)."""
    if identity is None:
        return admin_key
    return f"{admin_key}:{base64.b64encode(json.dumps(identity).encode()).decode()}"


class RemoteBackend:
    """One running server. Close it when done, or use it in a `with` statement."""

    def __init__(self, url: str, admin_key: str, *, identity: dict[str, Any] | None = None, timeout_s: float = 310.0):
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=5.0),
            headers={
                "Authorization": f"Convex {admin_token(admin_key, identity)}",
                "Convex-Client": CLIENT_NAME,
                "Content-Type": "application/json",
            },
        )

    def __enter__(self) -> RemoteBackend:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._http.close()

    def call(self, path: str, args: dict[str, Any]) -> Answer:
        """Runs any function by name, internal ones too. Raises FunctionFailed or CommandFailed."""
        body = {"path": path, "args": args, "format": "convex_encoded_json"}
        try:
            response = self._http.post(f"{self.url}/api/function", content=json.dumps(body))
        except httpx.ConnectError as error:
            raise unreachable(self.url) from error
        except httpx.HTTPError as error:
            raise CommandFailed(
                f"The call of {path} at {self.url} broke off: {error or type(error).__name__}.\n"
                "Look at the server's log; a mutation may or may not have been applied."
            ) from error
        return _read_answer(response, self.url)


def unreachable(url: str) -> CommandFailed:
    """The failure to report when nothing listens at `url`."""
    return CommandFailed(
        f"No Parabola server answers at {url}.\n"
        "Start one with `parabola dev`, or name another with --url or PARABOLA_URL."
    )


def _read_answer(response: httpx.Response, url: str) -> Answer:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise CommandFailed(
            f"{url} answered with status {response.status_code} and not as a Parabola server does.\n"
            "Check --url: it is the server's origin, for example http://127.0.0.1:3210."
        )
    if answer.get("status") == "success":
        return Answer(plain_numbers(answer.get("value")), answer.get("logLines") or [])
    if answer.get("status") == "error":
        raise FunctionFailed(
            str(answer.get("errorMessage", "")),
            data=plain_numbers(answer.get("errorData")),
            log_lines=answer.get("logLines") or [],
        )
    message = str(answer.get("message") or f"status {response.status_code}")
    if response.status_code in (401, 403):
        message += "\nPass the server's admin key with --admin-key or PARABOLA_ADMIN_KEY (`parabola admin-key`)."
    raise CommandFailed(message)
