"""The one file that a multipart form carries here: a profile image."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP

from parabola.identity.failures import bad_parameter


def file_field(content_type: str, body: bytes, name: str) -> bytes:
    """The bytes of the field `name`. Raises 422 if the form has none."""
    if content_type.startswith("multipart/form-data") and "\n" not in content_type and "\r" not in content_type:
        head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
        form = BytesParser(policy=HTTP).parsebytes(head + body)
        for part in form.iter_parts() if form.is_multipart() else ():
            content = _content(part) if part.get_param("name", header="content-disposition") == name else None
            if content:
                return content
    raise bad_parameter(name, f"Send a multipart form with the image in the field {name!r}.")


def _content(part: Message) -> bytes | None:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else None
