"""What lies where, and what holds for every request: wire 2.1, 2.4."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from parabola import ActionCtx, action
from parabola.backend import Backend
from parabola.functions.loader import Deployment
from tests.unit.server.conftest import FUNCTIONS, Start


async def test_the_service_endpoints_answer_in_plain_text(start: Start) -> None:
    async with start(name="happy-otter") as client:
        assert (await client.get("/version")).text == "0.1.0"
        assert (await client.get("/instance_version")).text == "0.1.0"
        assert (await client.get("/instance_name")).text == "happy-otter"
        root = await client.get("/")
        assert root.headers["content-type"] == "text/plain; charset=utf-8"
        assert "running" in root.text
        echoed = await client.post("/echo", content=b"\x00\x01")
        assert echoed.content == b"\x00\x01"
        head = await client.head("/version")
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "5")


async def test_the_counters_of_all_parts_can_be_scraped(start: Start) -> None:
    async with start() as client:
        await client.call("mutation", "messages:send", {"body": "x"})
        response = await client.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain")
        counters = dict(line.split(" ") for line in response.text.splitlines())
        assert int(counters["parabola_commits"]) >= 1
        assert counters["parabola_sync_connections"] == "0"


async def test_the_admin_key_can_be_checked(start: Start) -> None:
    async with start() as client:
        assert await client.refused("GET", "/api/check_admin_key") == (403, "BadDeployKey")
        headers = {"Authorization": f"Convex {client.backend.admin_key}"}
        answer = (await client.get("/api/check_admin_key", headers=headers)).json()
        assert answer["success"] is True
        assert answer["isReadOnly"] is False


@pytest.mark.parametrize("path", ["/api/nope", "/api/", "/api/query/", "/nope", "/httpx"])
async def test_an_address_with_nothing_at_it_is_a_404_in_json(start: Start, path: str) -> None:
    async with start() as client:
        assert await client.refused("GET", path) == (404, "NotFound")


@pytest.mark.parametrize("path", ["/api/sync", "/api/1.48.0/sync", "//api/1.48.0/sync"])
async def test_the_address_of_the_socket_says_what_it_is_for(start: Start, path: str) -> None:
    async with start() as client:
        origin = str(client.base_url).rstrip("/")
        response = await client.get(origin + path)
        assert (response.status_code, response.json()["code"]) == (426, "UpgradeRequired")
        assert response.headers["upgrade"] == "websocket"
        assert "let it pass the `Upgrade` header on" in response.json()["message"]


async def test_a_doubled_leading_slash_is_taken_for_one(start: Start) -> None:
    async with start() as client:
        origin = str(client.base_url).rstrip("/")
        answer = await client.post(f"{origin}//api/run/messages/send", json={"args": {"body": "x"}})
        assert answer.json()["status"] == "success"
        assert (await client.post(f"{origin}//api/query_ts")).status_code == 200


async def test_reports_of_clients_debugging_themselves_are_accepted(start: Start) -> None:
    async with start() as client:
        answer = await client.post("/api/debug_event", json={"event": "LongWebsocketDisconnect"})
        assert answer.status_code == 200


async def test_a_wrong_method_is_a_405_that_names_the_right_one(start: Start) -> None:
    async with start() as client:
        response = await client.get("/api/mutation")
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert response.json()["code"] == "MethodNotAllowed"


async def test_pages_of_any_origin_may_call_the_api(start: Start) -> None:
    async with start() as client:
        origin = {"Origin": "https://page.example"}
        preflight = await client.options(
            "/api/mutation",
            headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a, x-b"},
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://page.example"
        assert preflight.headers["access-control-allow-credentials"] == "true"
        assert preflight.headers["access-control-allow-headers"] == "x-a, x-b"
        assert preflight.headers["access-control-max-age"] == "86400"
        assert set(preflight.headers["access-control-allow-methods"].split(", ")) == {
            "GET", "POST", "OPTIONS", "PATCH", "DELETE", "PUT",
        }  # fmt: skip
        for url, status in [("/api/query_ts", 200), ("/api/nope", 404), ("/api/query", 400)]:
            response = await client.post(url, headers=origin)
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == "https://page.example"
            assert response.headers["vary"] == "Origin"
        assert "access-control-allow-origin" not in (await client.post("/api/query_ts")).headers
        assert "access-control-allow-origin" not in (await client.get("/http/hook", headers=origin)).headers


async def test_a_fault_of_the_server_is_a_500_that_tells_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with start() as client:

        async def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("the password is hunter2")

        monkeypatch.setattr(client.backend.authenticator, "from_header", broken)
        response = await client.post("/api/query", json={"path": "messages:list", "args": {}})
        assert response.status_code == 500
        assert response.json() == {
            "code": "InternalServerError",
            "message": "Your request couldn't be completed. Try again later.",
        }
        assert "hunter2" in caplog.text


def project(tmp_path: Path) -> Path:
    folder = tmp_path / "backend"
    folder.mkdir()
    (folder / "messages.py").write_text(FUNCTIONS)
    return folder


async def test_it_mounts_under_a_prefix_and_starts_with_the_first_request(tmp_path: Path) -> None:
    backend = Backend(project(tmp_path), storage="memory")
    host = Starlette(routes=[Mount("/deep/er", backend.asgi())])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://host.test") as client:
        assert not backend.is_running
        body = {"path": "messages:send", "args": {"body": "x"}}
        assert (await client.post("/deep/er/api/mutation", json=body)).json()["value"] == "x"
        assert backend.is_running
        assert (await client.post("/deep/er/api/run/messages/list", json={"args": {}})).json()["value"] == ["x"]
        assert (await client.get("/deep/er/version")).text == "0.1.0"
        assert (await client.get("/deep/er/")).status_code == 200
        assert (await client.get("/api/query_ts")).status_code == 404
    await backend.stop()


async def test_a_start_that_fails_at_the_first_request_is_answered_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "backend").mkdir()
    broken = tmp_path / "backend" / "m.py"
    broken.write_text("import nothing_of_that_name\n")
    backend = Backend(tmp_path / "backend", storage="memory")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(backend.asgi()), base_url="http://test") as client:
        answer = await client.get("/version")
        assert answer.status_code == 503
        assert answer.json() == {
            "code": "BackendNotStarted",
            "message": "Your request couldn't be completed. Try again later.",
        }
        assert "backend/m.py:1: ModuleNotFoundError" in caplog.text
        broken.unlink()
        assert (await client.get("/version")).status_code == 200
    await backend.stop()


async def test_a_request_that_is_cancelled_is_answered_so_that_clients_understand() -> None:
    began = asyncio.Event()

    @action
    async def slow(ctx: ActionCtx) -> None:
        began.set()
        await asyncio.Event().wait()

    async with Backend(Deployment({"m:slow": slow}), storage="memory") as backend:
        sent: list[dict[str, Any]] = []
        body = b'{"path": "m:slow", "args": {}}'

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/action", "headers": [], "query_string": b""}
        request = asyncio.ensure_future(backend.asgi()(scope, receive, send))
        await began.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert sent[0]["status"] == 503
        assert b'"code":"ServerStopping"' in sent[1]["body"]


async def test_its_lifespan_starts_and_stops_the_backend(tmp_path: Path) -> None:
    backend = Backend(project(tmp_path), storage="memory")
    sent: list[str] = []
    incoming = iter(["lifespan.startup", "lifespan.shutdown"])
    running: list[bool] = []

    async def receive() -> dict[str, Any]:
        return {"type": next(incoming)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])
        running.append(backend.is_running)

    await backend.asgi()({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert running == [True, False]
