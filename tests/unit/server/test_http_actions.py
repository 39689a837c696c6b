"""Requests that user functions answer: wire 2.6, semantics 10."""

from __future__ import annotations

import pytest

from tests.unit.server.conftest import Start


async def test_a_route_sees_the_request_as_the_client_made_it(start: Start) -> None:
    async with start() as client:
        answer = await client.post("/http/hook?a=1&b=%20", content=b"body", headers={"X-Forwarded-Proto": "https"})
        assert answer.status_code == 200
        assert answer.json() == {
            "method": "POST",
            "url": "https://parabola.test/hook?a=1&b=%20",
            "body": "body",
            "user": None,
            "header": None,
        }
        assert answer.headers.get_list("x-twice") == ["1", "2"]
        forwarded = await client.get("/http/hook", headers={"Forwarded": "for=1.2.3.4;proto=https;host=x"})
        assert forwarded.json()["url"] == "https://parabola.test/hook"


async def test_a_head_request_runs_the_get_route_without_sending_the_body(start: Start) -> None:
    async with start() as client:
        response = await client.head("/http/hook")
        assert (response.status_code, response.content) == (200, b"")


async def test_a_response_may_be_a_stream(start: Start) -> None:
    async with start() as client:
        response = await client.get("/http/stream/any/thing")
        assert (response.status_code, response.text) == (201, "part 0;part 1;part 2;")


async def test_a_token_is_the_identity_and_any_other_authorization_is_the_applications(start: Start) -> None:
    async with start() as client:
        token = client.setting.token()
        known = await client.get("/http/hook", headers={"Authorization": f"Bearer {token}"})
        assert known.json()["user"] == "alice"
        for header in ("Basic dXNlcjpwYXNz", "x", "Bearer theirs", "Convex parabola|wrong"):
            own = (await client.get("/http/hook", headers={"Authorization": header})).json()
            assert (own["user"], own["header"]) == (None, header)


@pytest.mark.parametrize("path", ["/http/nope", "/http", "/http/", "/http/hook/"])
async def test_no_route_is_a_404_in_plain_text(start: Start, path: str) -> None:
    async with start() as client:
        response = await client.get(path)
        assert (response.status_code, response.text) == (404, "No matching routes found")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_folder_without_routes_says_so(start: Start) -> None:
    async with start(without="http.py") as client:
        response = await client.get("/http/hook")
        assert response.status_code == 404
        assert response.text == "This Convex deployment does not have HTTP actions enabled."


async def test_an_error_that_nobody_caught_is_a_500_with_its_data(start: Start) -> None:
    async with start() as client:
        response = await client.get("/http/broken", headers={"Convex-Request-Id": "r1"})
        assert response.status_code == 500
        assert response.json()["code"].startswith("[Request ID: r1] Server Error: ConvexError")
        assert response.json()["data"] == {"why": "because"}
        assert response.json()["trace"]
    async with start(redact=True, without="auth_config.py") as client:
        response = await client.get("/http/broken", headers={"Convex-Request-Id": "r1"})
        assert response.json() == {"code": "[Request ID: r1] Server Error", "data": {"why": "because"}}


async def test_a_body_that_declares_too_much_is_refused(start: Start) -> None:
    async with start() as client:
        response = await client.post("/http/hook", content=b"x", headers={"Content-Length": str(21 * 1024 * 1024)})
        assert response.status_code == 413
