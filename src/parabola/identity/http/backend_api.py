"""The Backend API, which servers talk to with the secret key (clerk spec, section 15).

It shares `/v1` with the Frontend API without clashes. Cookies mean nothing here, there is no CORS and no envelope:
JSON in, bare objects and arrays out.
"""

from __future__ import annotations

import hmac
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from parabola.identity.chance import hash_secret
from parabola.identity.failures import bad_parameter, bad_secret_key, missing_parameter
from parabola.identity.flows.operator_sessions import OperatorSessions
from parabola.identity.flows.users import NewUser, UserFilter, Users
from parabola.identity.http import messages
from parabola.identity.http.routing import Route, find_route
from parabola.identity.parts import Parts
from parabola.identity.signing import key_set

Json = dict[str, Any]
BODY_BYTES_MAX: Final = 262_144
PAGE_MAX: Final = 500
SECRET_KEY_HASH: Final = "secret_key_hash"


class BackendApi:
    """Answers requests below `/v1` that carry the secret key."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._users = Users(parts)
        self._sessions = OperatorSessions(parts)
        users, sessions = self._users, self._sessions
        self._routes: tuple[Route, ...] = (
            Route("GET", "/jwks", self._keys),
            Route("GET", "/users", self._list_users),
            Route("POST", "/users", self._create_user),
            Route("GET", "/users/count", self._count_users),
            Route("GET", "/users/{id}", lambda request, id: users.get(id)),
            Route("PATCH", "/users/{id}", self._update_user),
            Route("DELETE", "/users/{id}", lambda request, id: users.delete(id)),
            Route("PATCH", "/users/{id}/metadata", self._merge_metadata),
            Route("POST", "/users/{id}/ban", lambda request, id: users.set_banned(id, True)),
            Route("POST", "/users/{id}/unban", lambda request, id: users.set_banned(id, False)),
            Route("POST", "/users/{id}/lock", lambda request, id: users.set_locked(id, True)),
            Route("POST", "/users/{id}/unlock", lambda request, id: users.set_locked(id, False)),
            Route("POST", "/users/{id}/verify_password", self._verify_password),
            Route("GET", "/sessions", self._list_sessions),
            Route("POST", "/sessions", self._create_session),
            Route("GET", "/sessions/{id}", lambda request, id: sessions.get(id)),
            Route("POST", "/sessions/{id}/revoke", lambda request, id: sessions.revoke(id)),
            Route("POST", "/sessions/{id}/tokens", self._token),
            Route("POST", "/sessions/{id}/tokens/{template}", self._token),
        )

    async def answer(self, request: Request, path: str) -> Response:
        """The answer to a request for `path` below `/v1`."""
        try:
            await self._authorize(request)
            endpoint, arguments = find_route(self._routes, request.method, path)
            return messages.json_response(await endpoint(request, *arguments))
        except Exception as error:
            return messages.failure_response(error, self._parts)

    async def _authorize(self, request: Request) -> None:
        """Raises 401 without the secret key. Hashes are compared, in constant time."""
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        expected = await self._parts.store.transact(lambda work: work.setting(SECRET_KEY_HASH))
        right = hmac.compare_digest(hash_secret(shown.strip()), expected or "")
        if scheme.lower() != "bearer" or not right:
            raise bad_secret_key()

    async def _keys(self, request: Request) -> Json:
        longest_s = self._parts.settings.longest_token_s
        return await self._parts.store.transact(lambda work: key_set(work, self._parts.now_ms(), longest_s))

    async def _list_users(self, request: Request) -> list[Json]:
        limit, offset = _page(request)
        order = request.query_params.get("order_by", "-created_at")
        if order.lstrip("+-") not in ("created_at", "updated_at", "last_sign_in_at", "email_address", "username"):
            raise bad_parameter("order_by", "Order by created_at, with - in front for newest first.")
        return await self._users.list(
            _user_filter(request), newest_first=order.startswith("-"), limit=limit, offset=offset
        )

    async def _count_users(self, request: Request) -> Json:
        return {"object": "total_count", "total_count": await self._users.count(_user_filter(request))}

    async def _create_user(self, request: Request) -> Json:
        body = await _read_json(request)
        addresses = body.get("email_address") or []
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            raise bad_parameter("email_address", "email_address must be a list of addresses.")
        digest = _text(body, "password_digest")
        if digest is not None and body.get("password_hasher") != "argon2id":
            raise bad_parameter("password_hasher", "Only argon2id digests can be imported.")
        return await self._users.create(
            NewUser(
                email_addresses=addresses,
                password=_text(body, "password"),
                password_hash=digest,
                skip_password_checks=body.get("skip_password_checks") is True,
                first_name=_text(body, "first_name"),
                last_name=_text(body, "last_name"),
                username=_text(body, "username"),
                external_id=_text(body, "external_id"),
                public_metadata=body.get("public_metadata") or {},
                private_metadata=body.get("private_metadata") or {},
                unsafe_metadata=body.get("unsafe_metadata") or {},
            )
        )

    async def _update_user(self, request: Request, user_id: str) -> Json:
        return await self._users.update(user_id, await _read_json(request))

    async def _merge_metadata(self, request: Request, user_id: str) -> Json:
        return await self._users.merge_metadata(user_id, await _read_json(request))

    async def _verify_password(self, request: Request, user_id: str) -> Json:
        password = _text(await _read_json(request), "password")
        if password is None:
            raise missing_parameter("password")
        return await self._users.verify_password(user_id, password)

    async def _list_sessions(self, request: Request) -> list[Json]:
        limit, offset = _page(request)
        query = request.query_params
        return await self._sessions.list(
            user_id=query.get("user_id"),
            client_id=query.get("client_id"),
            status=query.get("status"),
            limit=limit,
            offset=offset,
        )

    async def _create_session(self, request: Request) -> Json:
        user_id = _text(await _read_json(request), "user_id")
        if user_id is None:
            raise missing_parameter("user_id")
        return await self._sessions.create(user_id)

    async def _token(self, request: Request, session_id: str, template: str | None = None) -> Json:
        body = await _read_json(request)
        return await self._sessions.token(session_id, template, body.get("expires_in_seconds"))


def _page(request: Request) -> tuple[int, int]:
    values: list[int] = []
    for name, fallback, most in (("limit", 10, PAGE_MAX), ("offset", 0, 2**31)):
        text = request.query_params.get(name, str(fallback))
        if not text.isascii() or not text.isdigit() or len(text) > 10 or not int(name == "limit") <= int(text) <= most:
            raise bad_parameter(name, f"{name} must be a number up to {most}.")
        values.append(int(text))
    return values[0], values[1]


def _user_filter(request: Request) -> UserFilter:
    """List filters come as `email_address=…&email_address=…`, with or without brackets after the name."""

    def values(name: str) -> list[str]:
        query = request.query_params
        return [*query.getlist(name), *query.getlist(f"{name}[]")]

    return UserFilter(
        ids=values("user_id"),
        addresses=values("email_address"),
        usernames=values("username"),
        external_ids=values("external_id"),
        query=request.query_params.get("query"),
    )


async def _read_json(request: Request) -> Json:
    """The body as an object; an empty body is an empty one."""
    body = await messages.read_body(request, BODY_BYTES_MAX)
    try:
        value = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        value = None
    if value is None and body == b"null":
        value = {}
    if not isinstance(value, dict):
        raise bad_parameter("body", "The body must be a JSON object.")
    return value


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise bad_parameter(name, f"{name} must be text.")
    return value
