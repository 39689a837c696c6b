"""Accounts that the command brings along: of the two bots of `--demo`, and of the veteran of `--veteran`.

They are made at the first start over a data folder and are the same ones at every later start. Their password is chosen
at random and kept in that folder, so that knowing this file signs nobody in.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final

from kaizen.rules.prestige import PRESTIGE_STAGE_MIN
from parabola.auth.identity import AdminIdentity
from parabola.backend.backend import Backend
from parabola.client import AsyncClient
from parabola.ui.nicegui import FrontendApi, SignInRefused, Visitor

PASSWORD_FILE: Final = "demo-password"
VETERAN: Final = "Old Hand"
VETERAN_STAGE: Final = PRESTIGE_STAGE_MIN + 1
VETERAN_PURSE: Final[dict[str, Any]] = {"gold": 5000, "cores": 3}


class PasswordLost(Exception):
    """The accounts are there, and their password is not."""


class DemoAccounts:
    """The accounts at the identity server of the game at `address`, for its whole time."""

    def __init__(self, address: str, data: Path) -> None:
        self.address = address
        self._password_file = data / PASSWORD_FILE
        self.password = _password_in(self._password_file)
        self._api = FrontendApi(f"{address}/__clerk")

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._api.aclose()

    async def signed_in(self, name: str) -> Visitor:
        """Signs in as the one of this name, whose account is made if there is none yet. Raises `PasswordLost`."""
        visitor, email = Visitor(self._api, {}, None), email_of(name)
        try:
            await visitor.sign_in(email, self.password)
        except SignInRefused as error:
            if error.code == "form_password_incorrect":
                raise PasswordLost(
                    f"{email} has another password than the one in {self._password_file}. Put that file back, or start "
                    "over an empty data folder (--data)."
                ) from error
            if error.code != "form_identifier_not_found":
                raise
            await visitor.sign_up(email, self.password, first_name=name)
        return visitor


def email_of(name: str) -> str:
    """The address with which the account of this name signs in."""
    return f"{name.lower().replace(' ', '-')}+clerk_test@example.org"


async def prepare_veteran(accounts: DemoAccounts, backend: Backend) -> None:
    """Sees to it that there is a hero who may start over: one who is not as far as that is put there."""
    visitor = await accounts.signed_in(VETERAN)
    async with AsyncClient(accounts.address) as client:
        client.set_auth(lambda: visitor.get_token(template="convex"))
        ids = await client.mutation("game:start", {})
        hero = await client.query("character:getCharacter", {})
    if hero["currentStage"] < VETERAN_STAGE:
        purse = {
            name: most
            for name, most in VETERAN_PURSE.items()
            if hero[{"cores": "prestigeCores"}.get(name, name)] < most
        }
        where = {"player": ids["userId"], "stage": VETERAN_STAGE, **purse}
        await backend.mutation("operators:placeHero", where, identity=AdminIdentity())


def _password_in(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
