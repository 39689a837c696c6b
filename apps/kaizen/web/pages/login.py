"""The login page: Clerk's dialogs where Clerk is configured, else a form of our own."""

from __future__ import annotations

import re

from nicegui import ui

from kaizen.web import theme
from kaizen.web.components.icons import icon
from kaizen.web.components.scene import still_scene
from kaizen.web.components.text import Text
from kaizen.web.services.clerk import ClerkService, clerk_service
from parabola.client import ClientError
from parabola.ui.nicegui import effect, live, unauth_guard
from parabola.ui.nicegui.clerk_frontend import SignInRefused
from parabola.ui.nicegui.clerk_visitor import Visitor

_LIKE_AN_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")

_FIELD_OF = {
    "identifier": "email",
    "email_address": "email",
    "password": "password",
    "code": "code",
    "first_name": "name",
}


@ui.page("/auth/login")
@unauth_guard(home_route="/dashboard", loading=theme.loading)
def login() -> None:
    theme.begin_page("Sign in")
    clerk = clerk_service()
    with ui.element("main").classes("k-login"), ui.element("section").classes("k-login-card"):
        still_scene(1)
        with ui.element("div").classes("k-login-title"):
            icon("logo")
            Text("h1", "Kaizen", "k-logo")
        Text("p", "An idle RPG about small daily steps.", "k-muted")
        if clerk.visitor is None:
            _clerk_buttons(clerk)
        else:
            visitor = clerk.visitor
            typed: dict[str, str] = {}
            live(lambda: _Form(clerk, visitor, clerk.mode(), typed))


def _clerk_buttons(clerk: ClerkService) -> None:
    def show() -> None:
        if not clerk.loaded():
            theme.loading()
            return
        ui.button("Sign in", on_click=clerk.open_sign_in).props("data-testid=sign-in").classes("k-button k-primary")
        ui.button("Sign up", on_click=clerk.open_sign_up).props("data-testid=sign-up").classes("k-button")

    live(show)


class _Form:
    """Sign in, sign up, and the code from the e-mail where the identity server asks for one.

    `typed` is what the one form hands on to the other: all but the password.
    """

    def __init__(self, clerk: ClerkService, visitor: Visitor, mode: str, typed: dict[str, str]) -> None:
        self._visitor = visitor
        self._typed = typed
        self._mode = mode
        self._inputs: dict[str, ui.input] = {}
        is_new = mode == "sign-up"
        with ui.element("div").classes("k-tabs").props('role="tablist"'):
            for name, text in (("sign-in", "Sign in"), ("sign-up", "Sign up")):
                tab = ui.element("button").classes("k-tab").props(f'type=button role=tab data-testid="{name}"')
                tab.props(f'aria-selected="{str(name == mode).lower()}"')
                tab.on("click", clerk.open_sign_up if name == "sign-up" else clerk.open_sign_in)
                with tab:
                    ui.label(text)
        # What is wrong is said in one place and in one way, so the browser checks nothing.
        form = ui.element("form").classes("k-form").props("novalidate")
        with form.on("submit.prevent", self._submit) as self._form:
            if is_new:
                self._field("name", "Name", "text", "nickname")
            self._field("email", "E-mail", "email", "username")
            self._field("password", "Password", "password", "new-password" if is_new else "current-password")
            self._error = self._message()
            self._button = self._submit_button("Create account" if is_new else "Sign in")
        effect(lambda: self._show_unavailable(visitor.error()))

    def _field(self, name: str, label: str, kind: str, autocomplete: str) -> None:
        field = (
            ui.input(label).classes(f"k-field k-field-{name}").props(f"outlined dense type={kind} hide-bottom-space")
        )
        field.props(f'data-testid="{name}" autocomplete="{autocomplete}" input-class="k-input"')
        self._inputs[name] = field
        if kind != "password":
            field.set_value(self._typed.get(name, ""))
        field.on_value_change(lambda change: self._typing(name, kind, str(change.value or "")))

    def _typing(self, name: str, kind: str, text: str) -> None:
        """What was wrong is being mended, and says so no longer."""
        if kind != "password":
            self._typed[name] = text
        self._clear()

    def _message(self) -> ui.label:
        message = ui.label().classes("k-form-error").props('data-testid="form-error" role="alert"')
        message.set_visibility(False)
        return message

    def _submit_button(self, text: str) -> ui.button:
        button = ui.button(text, color=None).props('type=submit data-testid="submit" unelevated no-caps')
        return button.classes("k-button k-primary")

    async def _submit(self) -> None:
        self._clear()
        email, password = self._text("email"), self._inputs["password"].value or ""
        if not email or not password:
            self._refuse("Enter your e-mail address and a password.", "email" if not email else "password")
            return
        if not _LIKE_AN_ADDRESS.fullmatch(email):
            self._refuse("Enter a whole e-mail address, such as ada@example.org.", "email")
            return
        self._button.props("loading")
        try:
            if self._mode == "sign-in":
                await self._visitor.sign_in(email, password)
            elif await self._visitor.sign_up(email, password, first_name=self._text("name")) == "needs_code":
                self._ask_code(email)
        except SignInRefused as error:
            self._refuse(str(error), _FIELD_OF.get(error.field or ""))
        except ClientError as error:
            self._refuse(str(error), None)
        finally:
            if not self._button.is_deleted:
                self._button.props(remove="loading")

    def _ask_code(self, email: str) -> None:
        self._form.clear()
        self._inputs.clear()
        with self._form:
            ui.label(f"We sent a code to {email}.").classes("k-muted")
            ui.link("Open the inbox of this machine", "/__clerk/inbox", new_tab=True).classes("k-link")
            self._field("code", "Code", "text", "one-time-code")
            self._error = self._message()
            self._button = self._submit_button("Continue")
        self._form.on("submit.prevent", self._submit_code)

    async def _submit_code(self) -> None:
        if "code" not in self._inputs:
            return
        self._clear()
        try:
            await self._visitor.verify_sign_up(self._text("code"))
        except ClientError as error:
            self._refuse(str(error), "code")

    def _text(self, name: str) -> str:
        return str(self._inputs[name].value or "").strip() if name in self._inputs else ""

    def _refuse(self, text: str, field: str | None) -> None:
        if self._error.is_deleted:
            return
        self._error.set_text(text)
        self._error.set_visibility(True)
        if field in self._inputs:
            # Said by the form and not by the field, which would be sent to the browser anew, with a text that is older
            # than what is being typed there.
            self._form.props(f'data-wrong="{field}"')
            self._inputs[field].run_method("focus")

    def _clear(self) -> None:
        if self._error.visible:
            self._error.set_visibility(False)
            self._form.props(remove="data-wrong")

    def _show_unavailable(self, error: Exception | None) -> None:
        if error is not None:
            self._refuse(str(error), None)
