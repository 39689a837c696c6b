"""Getting a code to its owner: an inbox that the developer looks at, or a mail server.

With `smtp` set, messages go there and nowhere else. Otherwise they stay in a bounded inbox in memory, which only a
development server has; a self-hosted one without a mail server says so instead of showing codes.
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final, Literal

from parabola.identity.failures import ClerkFailure
from parabola.identity.settings import IdentitySettings, SmtpSettings

INBOX_MAX: Final = 200
_logger = logging.getLogger("parabola.identity")

Purpose = Literal["sign_up", "sign_in", "reset_password", "verify_email"]
_SUBJECTS: Final[dict[Purpose, str]] = {
    "sign_up": "is your sign-up code",
    "sign_in": "is your sign-in code",
    "reset_password": "is your code to set a new password",
    "verify_email": "is your code to verify this address",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail with a code. `sent_at` in milliseconds since the epoch."""

    address: str
    purpose: Purpose
    code: str
    sent_at: int

    @property
    def subject(self) -> str:
        return f"{self.code} {_SUBJECTS[self.purpose]}"


class Post:
    """Delivers messages as the settings say."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings
        self._inbox: deque[Message] = deque(maxlen=INBOX_MAX)
        self._thread = ThreadPoolExecutor(2, thread_name_prefix="parabola-mail")

    @property
    def has_inbox(self) -> bool:
        return self._settings.is_development

    def inbox(self) -> list[Message]:
        """Newest first."""
        return list(reversed(self._inbox))

    def clear(self) -> None:
        self._inbox.clear()

    async def deliver(self, message: Message) -> None:
        """Raises a 503 `ClerkFailure` if it cannot be delivered; the text never has the code."""
        smtp = self._settings.smtp
        if smtp is not None:
            await self._send(smtp, message)
        elif self._settings.is_development:
            self._inbox.append(message)
            _logger.info("e-mail to %s: %s", message.address, message.subject)
        else:
            _logger.error("No mail server is set, so no code can be sent. Set smtp in the identity settings.")
            raise _undelivered()

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _send(self, smtp: SmtpSettings, message: Message) -> None:
        email = _compose(smtp, message, self._settings.application_name)
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, _hand_over, smtp, email)
        except (OSError, smtplib.SMTPException) as error:
            # The error's text may quote what the server said, never the message.
            _logger.error("The mail server %s:%d refused a message: %s", smtp.host, smtp.port, type(error).__name__)
            raise _undelivered() from None


def _compose(smtp: SmtpSettings, message: Message, application: str) -> EmailMessage:
    email = EmailMessage()
    email["From"] = smtp.sender
    email["To"] = message.address
    email["Subject"] = f"{message.subject} · {application}"
    email["Date"] = formatdate(message.sent_at / 1000)
    email["Message-ID"] = make_msgid(domain=smtp.sender.rpartition("@")[2] or "localhost")
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(
        f"{message.code} {_SUBJECTS[message.purpose]} at {application}.\n\n"
        "It is valid for ten minutes. If you did not ask for it, you need not do anything.\n"
    )
    return email


def _hand_over(smtp: SmtpSettings, email: EmailMessage) -> None:
    context = ssl.create_default_context()
    if smtp.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=smtp.timeout_s, context=context)
    else:
        server = smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout_s)
    with server:
        if smtp.security == "starttls":
            server.starttls(context=context)
        if smtp.username is not None:
            server.login(smtp.username, smtp.password or "")
        server.send_message(email)


def _undelivered() -> ClerkFailure:
    return ClerkFailure(
        503,
        "email_delivery_failed",
        "The e-mail could not be sent",
        long_message="The e-mail with the code could not be sent. Try again later.",
    )
