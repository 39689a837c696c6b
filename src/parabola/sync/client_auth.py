"""Who a client says it is, and how its tokens are kept fresh: a state machine without I/O.

Theory of operation. The application hands over a way to fetch tokens (`begin`). A first fetch may give one that was
used before (a *cached* token); while it runs, `is_paused` keeps the socket silent, so that nothing is asked as somebody
else. When the server has confirmed the cached token, a *fresh* one is fetched at once: only of a fresh token is it
known when it was issued, and so when to fetch the next. From then on tokens are replaced `leeway_s` before their end.
An application that has but one token gives the same again; then its end is reckoned by the server's clock.

When the server refuses a token, `is_stopped` asks for the socket to be taken down; a fresh token is fetched, and the
socket comes back with it. A freshly fetched token may be refused two more times before this gives up: then the client
goes on as nobody, and says so (`AuthChanged(False)`).

Only the newest fetch counts: each has a number, and an answer under any other is dropped. The identity version is the
count of Authenticates on the current socket, the one still to be sent included. Source: wire 1.9.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from msgspec import UNSET, Raw

from parabola.seams import Clock
from parabola.sync.client_effects import AuthChanged, AuthRefreshing, ClientEffect, FetchToken, Report
from parabola.sync.client_tokens import CannotRefresh, read_lifetime, refresh_delay_s
from parabola.sync.messages import Authenticate

CONFIRMATION_ATTEMPTS_MAX: Final = 2


class Credential(NamedTuple):
    """What an Authenticate carries: a user's token, or an admin key with the user to act as, in JSON."""

    value: str
    is_admin: bool = False
    acting_as: bytes | None = None


class AuthState(Enum):
    """Where the life of a token stands."""

    ABSENT = "no way to fetch tokens: nobody, or a fixed admin key"
    FETCHING_FIRST = "the first token is being fetched; the socket is silent"
    FETCHING_FORCED = "there was none at hand, so a fresh one is being fetched; the socket is silent"
    CONFIRMING_CACHED = "the server has not yet confirmed a token that may be old"
    CONFIRMING_FRESH = "the server has not yet confirmed a token fetched just now"
    SCHEDULED = "confirmed; the next fetch has its time"
    RESTING = "confirmed; the next fetch waits until the server refuses this token"


class ClientAuth:
    """See the module's theory of operation."""

    __slots__ = (
        "_attempts",
        "_clock",
        "_fetch_number",
        "_fetching",
        "_had_auth",
        "_is_hurrying",
        "_is_refreshing",
        "_leeway_s",
        "_refusal",
        "_reuse_initial_token",
        "_skew_ms",
        "_told",
        "_untold",
        "credential",
        "effects",
        "is_paused",
        "is_stopped",
        "refetch_at",
        "state",
    )

    def __init__(
        self, clock: Clock, effects: list[ClientEffect], *, leeway_s: float, reuse_initial_token: bool
    ) -> None:
        self._clock = clock
        self._leeway_s = leeway_s
        self._reuse_initial_token = reuse_initial_token
        self.effects = effects
        self.state = AuthState.ABSENT
        self.credential: Credential | None = None
        # The socket says nothing while paused, and is down while stopped.
        self.is_paused = False
        self.is_stopped = False
        # When to fetch the next token, by the monotonic clock; only while SCHEDULED.
        self.refetch_at: float | None = None
        self._fetch_number = 0
        # Whether the fetch under way replaces a refused token; None while there is no fetch.
        self._fetching: bool | None = None
        self._had_auth = False
        self._is_refreshing = False
        self._attempts = 0
        # Whether the newest token was to be replaced as soon as it was confirmed.
        self._is_hurrying = False
        # What the server said of the token that is being replaced.
        self._refusal = ""
        # How far this clock is ahead of the server's; None while that is not known.
        self._skew_ms: int | None = None
        # Of the current socket: Authenticates sent, and whether one more has to be.
        self._told = 0
        self._untold = False

    @property
    def version(self) -> int:
        """The identity version that the server will have reached when it has heard everything."""
        return self._told + self._untold

    # What the application does.

    def begin(self) -> None:
        """The application has a (new) way to fetch tokens. Until the first one is there nothing is sent."""
        self._forget_fetcher()
        self.is_paused = True
        self._enter(AuthState.FETCHING_FIRST)
        self._fetch(force=False)

    def set_admin(self, credential: Credential) -> None:
        """Acts with an admin key from now on."""
        self._forget_fetcher()
        self._authenticate(credential)

    def clear(self) -> None:
        """Is nobody from now on."""
        self._forget_fetcher()
        self._authenticate(None)

    def token_fetched(self, number: int, token: str | None) -> None:
        """The application's answer to the FetchToken of that number; None when it has no token."""
        if number != self._fetch_number or self._fetching is None:
            return
        replaces_refused, self._fetching = self._fetching, None
        if self.state is AuthState.FETCHING_FIRST:
            if not token:
                self._enter(AuthState.FETCHING_FORCED)
                self._fetch(force=True)
                return
            self._enter(AuthState.CONFIRMING_CACHED)
            self._authenticate(Credential(token))
        elif token and self.credential != Credential(token):
            self._had_auth = (
                self.state in (AuthState.RESTING, AuthState.SCHEDULED)
                if replaces_refused
                else self.credential is not None
            )
            self._enter(AuthState.CONFIRMING_FRESH)
            self._authenticate(Credential(token))
        elif token and not replaces_refused:
            self._keep(token)
        else:
            if replaces_refused:
                self._report_refusal()
            self._fail()
        self.is_paused = self.is_stopped = False

    def tick(self) -> None:
        """Time has passed: a scheduled fetch may be due."""
        if self.refetch_at is not None and self._clock.monotonic() >= self.refetch_at:
            self.refetch_at = None
            self._fetch(force=True)

    # What the server says.

    def confirmed(self, skew_ms: int | None) -> None:
        """A Transition reached the identity version of the newest credential."""
        credential = self.credential
        self._skew_ms = skew_ms
        if self.state is AuthState.CONFIRMING_CACHED and credential is not None:
            if self._reuse_initial_token:
                self._schedule(credential.value, None if skew_ms is None else self._server_now_s())
            else:
                self._fetch(force=True)
            self.effects.append(AuthChanged(True))
        elif self.state is AuthState.CONFIRMING_FRESH and credential is not None:
            self._set_refreshing(False)
            had_auth = self._had_auth
            self._schedule(credential.value, None)
            if not had_auth:
                self.effects.append(AuthChanged(True))

    def refused(self, text: str, base_version: int | None, update_attempted: bool | None) -> None:
        """The server sent an AuthError."""
        is_confirming = self.state in (AuthState.CONFIRMING_CACHED, AuthState.CONFIRMING_FRESH)
        if update_attempted is False and is_confirming:
            return  # about the old token, and a new one is on its way
        if base_version is not None and base_version + 1 < self.version:
            return  # about a token that was replaced since
        self._refusal = text
        if self.state is AuthState.ABSENT or (
            self.state is AuthState.CONFIRMING_FRESH and self._attempts >= CONFIRMATION_ATTEMPTS_MAX
        ):
            self._report_refusal()
            # The server closes this socket by itself; the next one begins as nobody.
            self.credential = None
            self._untold = False
            if self.state is not AuthState.ABSENT:
                self._fail()
            return
        if self.state is AuthState.CONFIRMING_FRESH:
            self._attempts += 1
        self.is_stopped = True
        self.refetch_at = None
        self._set_refreshing(True)
        self._fetch(force=True, replaces_refused=True)

    # What the socket has to be told.

    def restart(self) -> None:
        """A new socket knows nobody."""
        self._told = 0
        self._untold = self.credential is not None

    def next_message(self) -> Authenticate | None:
        """The Authenticate that has to be sent now, if any."""
        if not self._untold:
            return None
        self._untold = False
        self._told += 1
        credential = self.credential
        if credential is None:
            return Authenticate(self._told - 1, "None")
        return Authenticate(
            self._told - 1,
            "Admin" if credential.is_admin else "User",
            credential.value,
            impersonating=UNSET if credential.acting_as is None else Raw(credential.acting_as),
        )

    def check_invariants(self) -> None:
        """Raises AssertionError when the state contradicts itself."""
        assert (self.refetch_at is not None) <= (self.state is AuthState.SCHEDULED), "a fetch is planned out of turn"
        assert not self.is_paused or self._fetching is not None, "the socket is silent, and nothing will end that"
        assert not self.is_stopped or self._fetching is not None, "the socket is down, and nothing will end that"
        confirming = self.state in (AuthState.CONFIRMING_CACHED, AuthState.CONFIRMING_FRESH)
        assert not confirming or self.credential is not None, "a confirmation is awaited of nothing"

    # Parts of the above.

    def _fetch(self, *, force: bool, replaces_refused: bool = False) -> None:
        self._fetch_number += 1
        self._fetching = replaces_refused
        self.effects.append(FetchToken(self._fetch_number, force))

    def _authenticate(self, credential: Credential | None) -> None:
        self.credential = credential
        self._untold = True

    def _keep(self, token: str) -> None:
        """A fetch gave the token that is in use. Asked a second time near its end, it is used until it is refused."""
        if self.state is AuthState.CONFIRMING_CACHED:
            try:
                delay_s = refresh_delay_s(read_lifetime(token), self._leeway_s, self._server_now_s())
            except CannotRefresh:
                delay_s = 0.0
            if delay_s > 0:
                self._enter(AuthState.SCHEDULED)
                self.refetch_at = self._clock.monotonic() + delay_s
                return
        self._enter(AuthState.RESTING)

    def _server_now_s(self) -> float:
        """The server's clock in seconds since the epoch, as far as it is known."""
        return self._clock.now_ns() / 1e9 - (self._skew_ms or 0) / 1000

    def _schedule(self, token: str, server_now_s: float | None) -> None:
        try:
            lifetime = read_lifetime(token)
        except CannotRefresh as error:
            self.effects.append(Report("error", str(error)))
            self._enter(AuthState.RESTING)
            return
        delay_s = refresh_delay_s(lifetime, self._leeway_s, server_now_s)
        was_hurrying, self._is_hurrying = self._is_hurrying, delay_s <= 0
        if self._is_hurrying and was_hurrying:
            # So it is with every token of this issuer, who would be asked without a pause.
            delay_s = (lifetime.expires_s - lifetime.issued_s) / 2
        elif self._is_hurrying:
            self.effects.append(
                Report(
                    "warning",
                    f"Refetching auth token immediately, configured leeway {self._leeway_s:g}s is larger than the "
                    f"token's lifetime {lifetime.expires_s - lifetime.issued_s:g}s",
                )
            )
        self._enter(AuthState.SCHEDULED)
        self.refetch_at = self._clock.monotonic() + max(delay_s, 0.0)

    def _fail(self) -> None:
        """No token can be had: the client goes on as nobody, and the application knows."""
        if self.credential is not None:
            self._authenticate(None)
        self._forget_fetcher()
        self.effects.append(AuthChanged(False))

    def _report_refusal(self) -> None:
        self.effects.append(
            Report("error", f'Failed to authenticate: "{self._refusal}", check your server auth config')
        )

    def _forget_fetcher(self) -> None:
        self._fetch_number += 1
        self._fetching = None
        self._set_refreshing(False)
        self._enter(AuthState.ABSENT)
        self.is_paused = self.is_stopped = False
        self._had_auth = self._is_hurrying = False

    def _enter(self, state: AuthState) -> None:
        if state in (AuthState.SCHEDULED, AuthState.RESTING, AuthState.ABSENT):
            self._attempts = 0
        self.refetch_at = None
        self.state = state

    def _set_refreshing(self, is_refreshing: bool) -> None:
        if self._is_refreshing != is_refreshing:
            self._is_refreshing = is_refreshing
            self.effects.append(AuthRefreshing(is_refreshing))
