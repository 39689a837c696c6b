"""Refusals of the identity server, in Clerk's error format (clerk spec, section 8).

`ClerkFailure` is raised by flows and rules and becomes an HTTP answer in one place. A refusal may have something to
remember (a wrong code counts as a try): `keeps_changes` makes the transaction in which it is raised commit.
"""

from __future__ import annotations

from typing import Any, ClassVar

from parabola.errors import DeveloperError, PeerError


class IdentityRefused(DeveloperError):
    """The identity server will not start with these settings; the message says why and what to change."""

    default_code: ClassVar[str] = "IdentityRefused"


class ClerkFailure(PeerError):
    """One refusal: an HTTP status, Clerk's stable code, a text for people, and the form field it belongs to."""

    default_code: ClassVar[str] = "resource_not_found"

    def __init__(
        self,
        http_status: int,
        code: str,
        message: str,
        *,
        long_message: str | None = None,
        param: str | None = None,
        retry_after_s: int | None = None,
        keeps_changes: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.http_status = http_status
        self.long_message = long_message if long_message is not None else message
        self.param = param
        self.retry_after_s = retry_after_s
        self.keeps_changes = keeps_changes

    def body(self, trace_id: str) -> dict[str, Any]:
        """The JSON that clerk-js turns into `err.errors[0]`."""
        meta = {} if self.param is None else {"param_name": self.param}
        error = {"code": self.code, "message": self.message, "long_message": self.long_message, "meta": meta}
        return {"errors": [error], "clerk_trace_id": trace_id}


def not_found(what: str = "resource") -> ClerkFailure:
    return ClerkFailure(404, "resource_not_found", "Resource not found", long_message=f"The {what} was not found.")


def signed_out() -> ClerkFailure:
    return ClerkFailure(
        401,
        "authentication_invalid",
        "Invalid authentication",
        long_message="There is no active session for this request. Sign in again.",
    )


def bad_secret_key() -> ClerkFailure:
    return ClerkFailure(
        401,
        "authentication_invalid",
        "Invalid authentication",
        long_message="The Backend API needs 'Authorization: Bearer <secret key>' with this server's secret key.",
    )


def unknown_dev_browser() -> ClerkFailure:
    return ClerkFailure(
        401,
        "dev_browser_unauthenticated",
        "Browser unauthenticated",
        long_message="This development browser is not known here. Request a new one.",
    )


def missing_parameter(name: str) -> ClerkFailure:
    return ClerkFailure(
        422, "form_param_missing", "is missing", long_message=f"{name} must be included in the request.", param=name
    )


def empty_parameter(name: str) -> ClerkFailure:
    return ClerkFailure(
        422, "form_param_nil", "is missing", long_message=f"{name} can't be blank. Enter {name}.", param=name
    )


def bad_parameter(name: str, message: str) -> ClerkFailure:
    return ClerkFailure(422, "form_param_format_invalid", "is invalid", long_message=message, param=name)


def unknown_parameter(name: str) -> ClerkFailure:
    return ClerkFailure(
        422,
        "form_param_unknown",
        "is unknown",
        long_message=f"{name} is not a parameter that this server takes. Leave it out.",
        param=name,
    )


def identifier_exists(param: str = "email_address") -> ClerkFailure:
    what = "email address" if param == "email_address" else param
    return ClerkFailure(
        422,
        "form_identifier_exists",
        f"That {what} is taken. Please try another.",
        long_message=f"That {what} is taken. Please try another.",
        param=param,
    )


def identifier_not_found() -> ClerkFailure:
    return ClerkFailure(
        422,
        "form_identifier_not_found",
        "Couldn't find your account.",
        long_message="Couldn't find your account. Check the e-mail address, or sign up.",
        param="identifier",
    )


def password_incorrect(param: str = "password") -> ClerkFailure:
    return ClerkFailure(
        422,
        "form_password_incorrect",
        "Password is incorrect. Try again, or use another method.",
        param=param,
    )


def password_or_identifier_incorrect() -> ClerkFailure:
    return ClerkFailure(
        422,
        "form_password_or_identifier_incorrect",
        "The email address or password is incorrect. Try again.",
        param="identifier",
    )


def code_incorrect() -> ClerkFailure:
    return ClerkFailure(
        422, "form_code_incorrect", "is incorrect", long_message="Incorrect code", param="code", keeps_changes=True
    )


def strategy_invalid(strategy: str) -> ClerkFailure:
    return ClerkFailure(
        422,
        "strategy_for_user_invalid",
        "The verification strategy is not valid for this account",
        long_message=f"The strategy {strategy!r} is not available for this account. Use one of the listed factors.",
        param="strategy",
    )


def session_exists() -> ClerkFailure:
    return ClerkFailure(
        400,
        "session_exists",
        "Session already exists",
        long_message="You're already signed in. Sign out first; this application allows one session at a time.",
    )


def user_locked(seconds: int) -> ClerkFailure:
    minutes = max(1, -(-seconds // 60))
    return ClerkFailure(
        403,
        "user_locked",
        "Account locked",
        long_message=f"Your account is locked after too many wrong attempts. Try again in {minutes} minutes.",
        keeps_changes=True,
    )


def user_banned() -> ClerkFailure:
    return ClerkFailure(
        403, "user_banned", "User banned", long_message="This account has been banned. Ask whoever runs this site."
    )


def too_many_requests(retry_after_s: int) -> ClerkFailure:
    return ClerkFailure(
        429,
        "too_many_requests",
        "Too many requests. Please try again in a bit.",
        long_message=f"Too many requests. Try again in {retry_after_s} seconds.",
        retry_after_s=retry_after_s,
    )


def origin_invalid(origin: str) -> ClerkFailure:
    return ClerkFailure(
        400,
        "origin_invalid",
        "Invalid HTTP Origin header",
        long_message=(
            f"Requests from {origin} are not accepted. Add it to the identity server's app origins if it is yours."
        ),
    )
