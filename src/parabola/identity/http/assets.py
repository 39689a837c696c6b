"""Small files that the identity server serves: pictures, the redirect script, clerk-js from an installed package."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Final

from starlette.responses import Response

from parabola.identity.failures import not_found

PACKAGES: Final = ("clerk-js", "ui")
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(?:js|mjs|css|map|json|txt|woff2)")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")
_MEDIA_TYPES: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
_PICTURE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # A picture opened by itself must not be able to do anything on this origin.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def avatar(user_id: str) -> Response:
    """A picture drawn from a user's id: two colours and a silhouette. It needs no look-up and tells nothing."""
    digest = hashlib.sha256(user_id.encode()).digest()
    hue = digest[0] * 360 // 256
    second = (hue + 40 + digest[1] % 80) % 360
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
        '<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">'
        f'<stop offset="0" stop-color="hsl({hue} 70% 62%)"/><stop offset="1" stop-color="hsl({second} 70% 45%)"/>'
        '</linearGradient></defs><rect width="96" height="96" fill="url(#g)"/>'
        '<g fill="#fff" fill-opacity=".9"><circle cx="48" cy="38" r="16"/>'
        '<path d="M16 88c0-17 14-27 32-27s32 10 32 27z"/></g></svg>'
    )
    return Response(svg, 200, {**_PICTURE_HEADERS, "Cache-Control": "public, max-age=86400"}, "image/svg+xml")


def picture(media_type: str, content: bytes) -> Response:
    """An uploaded picture. Its id changes with its content, so it may be kept for ever."""
    headers = {**_PICTURE_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, 200, headers, media_type)


def redirect_script(public_url: str) -> Response:
    """The script of way C (clerk spec, 2.2): put before the application's bundle, it sends clerk-js's requests here.

    Version 5 reads one of the names, version 6 the other.
    """
    script = f"""// Sends the requests of clerk-js to the identity server at {public_url}.
(function () {{
  var target = {json.dumps(public_url).replace("</", "<" + chr(92) + "/")};
  function redirect(request) {{
    if (request && request.url) {{
      var asked = new URL(String(request.url));
      request.url = new URL(asked.pathname + asked.search, target);
    }}
  }}
  window.__unstable__onBeforeRequest = redirect;
  window.__internal_onBeforeRequest = redirect;
}})();
"""
    return Response(script, 200, {"Cache-Control": "no-cache"}, "text/javascript")


def package_file(packages_dir: Path | None, package: str, version: str, name: str) -> Response:
    """A file of an installed `@clerk` package, for pages that load clerk-js by a script tag.

    Any version asked for is the one that is installed: its chunks must come from the same directory.
    """
    if packages_dir is None or package not in PACKAGES or not _VERSION.fullmatch(version) or not _FILE.fullmatch(name):
        raise not_found("file")
    path = packages_dir / "@clerk" / package / "dist" / name
    if not path.is_file():
        raise not_found("file")
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}
    return Response(path.read_bytes(), 200, headers, _MEDIA_TYPES[path.suffix])
