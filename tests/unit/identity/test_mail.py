"""Sending codes through a mail server, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default

import pytest

from parabola.identity import NewUser, SmtpSettings
from tests.unit.identity.doubles import Desk, error_of

pytestmark = pytest.mark.anyio


class MailServer:
    """Just enough SMTP to take messages."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.recipients: list[str] = []
        self.refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "RCPT":
                self.recipients.append(line.partition(":")[2].strip("<> "))
                writer.write(b"550 no such user\r\n" if self.refuses else b"250 ok\r\n")
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                self.messages.append((await reader.readuntil(b"\r\n.\r\n"))[:-5])
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
            await writer.drain()
            if verb == "QUIT":
                break
        writer.close()


@pytest.fixture
async def mail(anyio_backend: str) -> AsyncIterator[tuple[MailServer, int]]:
    mail = MailServer()
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0)
    async with server:
        yield mail, server.sockets[0].getsockname()[1]


async def test_a_code_arrives_by_mail_and_not_in_the_inbox(mail: tuple[MailServer, int]) -> None:
    server, port = mail
    smtp = SmtpSettings("127.0.0.1", port=port, security="none", sender="hello@shop.example")
    async with Desk(smtp=smtp, application_name="The Shop") as desk:
        await desk.server.users.create(NewUser(["ada@example.com"]))
        browser = desk.browser()
        made = await browser.post("/client/sign_ins", identifier="ada@example.com", strategy="email_code")
        email = message_from_bytes(server.messages[0], policy=default)
        assert (server.recipients, email["From"]) == (["ada@example.com"], "hello@shop.example")
        assert email["Subject"].endswith("is your sign-in code · The Shop")
        code = email["Subject"].split()[0]
        assert code in email.get_content()
        path = f"/client/sign_ins/{made.json()['response']['id']}/attempt_first_factor"
        done = await browser.post(path, strategy="email_code", code=code)
        assert done.json()["response"]["status"] == "complete"
        assert desk.server.inbox() == []


async def test_a_refusing_mail_server_is_an_error_that_says_so(mail: tuple[MailServer, int]) -> None:
    server, port = mail
    server.refuses = True
    async with Desk(smtp=SmtpSettings("127.0.0.1", port=port, security="none")) as desk:
        await desk.server.users.create(NewUser(["ada@example.com"]))
        answer = await desk.browser().post("/client/sign_ins", identifier="ada@example.com", strategy="email_code")
        assert error_of(answer)[:2] == (503, "email_delivery_failed")


def test_the_mail_servers_password_is_not_shown() -> None:
    assert "hunter2" not in repr(SmtpSettings("mail.example", username="me", password="hunter2"))
