"""A developer's own web server: the test page, the libraries from npm, and `/__clerk` handed on to the backend.

It is what a dev server such as Vite's does with a proxy entry. Pages are addressed by what they should load, so that a
reload finds the same again: `/app?key=pk_test_…&proxyUrl=/__clerk`.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "node_modules"
CLIENTS = HERE.parent / "clients" / "node_modules"
FOLDERS = {
    "/clerk-5/": PACKAGES / "@clerk" / "clerk-js" / "dist",
    "/clerk-6/": PACKAGES / "clerk-js-6" / "dist",
    "/convex/": CLIENTS / "convex" / "dist",
    "/": HERE / "site",
}
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript"}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
PROXIED = "/__clerk/"


class PageServer:
    """Serves on a free port of this machine, under any name that leads to it. `upstream` is where `/__clerk` goes;
    with `tls`, pages are https.
    """

    def __init__(self, upstream: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.upstream = upstream
        self.written: dict[str, str] = {}
        """Pages that a test wrote itself, by path."""
        self._scheme = "http" if tls is None else "https"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self._server.pages = self  # type: ignore[attr-defined]
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str = "/app", *, host: str = "127.0.0.1", **query: Any) -> str:
        """The address of a page, under the host name that the browser shall know it by."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return f"{self._scheme}://{host}:{self.port}{path}{'?' + urlencode(given) if given else ''}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith(PROXIED):
            self._hand_on()
            return
        written = self.server.pages.written.get(path)  # type: ignore[attr-defined]
        if written is not None:
            self._answer(200, TYPES[".html"], written.encode())
            return
        file = _file_for(path)
        if file is None:
            self._answer(404, "text/plain", f"There is nothing at {path}.".encode())
        else:
            self._answer(200, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes())

    def do_POST(self) -> None:
        self._hand_on()

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _hand_on(self) -> None:
        upstream = self.server.pages.upstream  # type: ignore[attr-defined]
        if upstream is None or not self.path.startswith(PROXIED):
            self._answer(404, "text/plain", b"Nothing is proxied here.")
            return
        connection = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=30)
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError as error:
            self._answer(502, "text/plain", f"The backend cannot be reached: {error}".encode())
        finally:
            connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a failing test shows what the browser asked for."""


def _file_for(path: str) -> Path | None:
    prefix = next(prefix for prefix in FOLDERS if path.startswith(prefix))
    folder = FOLDERS[prefix]
    name = path.removeprefix(prefix) or "app"
    file = (folder / (name if "." in name else f"{name}.html")).resolve()
    return file if file.is_file() and file.is_relative_to(folder.resolve()) else None
