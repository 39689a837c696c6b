"""The chat inside a FastAPI application: `uvicorn mounted:app` in this folder, and clients connect to …:8000/live."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from parabola import Backend

chat = Path(os.environ.get("CHAT", Path(__file__).parent.parent / "chat")) / "backend"
backend = Backend(chat, data_dir=os.environ.get("CHAT_DATA"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with backend:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ok": True}


@app.post("/announce")
async def announce(body: str) -> str:
    """Calls a mutation from a route; every subscriber sees it."""
    message = {"channel": "general", "author": "the system", "body": body}
    return str(await backend.mutation("messages:send", message))


app.mount("/live", backend.asgi())
