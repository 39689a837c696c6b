"""The development inbox: the e-mails that would have been sent, as a page for people and as JSON for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from starlette.responses import Response

from parabola.identity.mail import Message

_PURPOSES: Final = {
    "sign_up": "Sign-up",
    "sign_in": "Sign-in",
    "reset_password": "New password",
    "verify_email": "Verify address",
}

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #6c47ff }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; padding: 3rem 1.25rem }
main { max-width: 46rem; margin: 0 auto }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
p { margin: 0 0 1.5rem; opacity: .7 }
ul { list-style: none; margin: 0; padding: 0 }
li { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: center; padding: 1rem 1.25rem;
     border: 1px solid var(--line); border-radius: .75rem; margin-bottom: .75rem }
li:first-child { border-color: var(--accent) }
code { font: 600 1.6rem/1.2 ui-monospace, monospace; letter-spacing: .15em; user-select: all }
.who { flex: 1; min-width: 12rem; overflow-wrap: anywhere }
.who b { display: block; font-weight: 600 }
.who span, time { font-size: .875rem; opacity: .7 }
.none { border: 1px dashed var(--line); border-radius: .75rem; padding: 3rem 1.25rem; text-align: center }
"""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def inbox_json(messages: Sequence[Message]) -> dict[str, Any]:
    """Newest first. Times in milliseconds since the epoch."""
    return {
        "object": "list",
        "data": [
            {
                "address": message.address,
                "purpose": message.purpose,
                "subject": message.subject,
                "code": message.code,
                "sent_at": message.sent_at,
            }
            for message in messages
        ],
        "total_count": len(messages),
    }


def inbox_page(messages: Sequence[Message], application: str) -> Response:
    """A page that looks again every few seconds."""
    items = "".join(_item(message) for message in messages)
    listing = (
        f"<ul>{items}</ul>" if items else '<div class="none">No messages yet. Ask for a code, and it is here.</div>'
    )
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="4">'
        f"<title>Inbox · {escape(application)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>Inbox</h1><p>E-mails that {escape(application)} would have sent. Nothing leaves this machine.</p>"
        f"{listing}</main></body></html>"
    )
    return Response(page, 200, _HEADERS, "text/html")


def _item(message: Message) -> str:
    sent = datetime.fromtimestamp(message.sent_at / 1000, UTC)
    return (
        f"<li><code>{escape(message.code)}</code>"
        f'<div class="who"><b>{escape(message.address)}</b><span>{_PURPOSES[message.purpose]}</span></div>'
        f'<time datetime="{sent:%Y-%m-%dT%H:%M:%SZ}">{sent:%H:%M:%S} UTC</time></li>'
    )
