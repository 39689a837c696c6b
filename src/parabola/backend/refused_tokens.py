"""The log's lines about tokens that sync sockets were refused for.

A client is told why its token does not hold, but some keep it to themselves and try again for ever: whoever looks for
the reason then has only the server's log. So that such a client cannot fill it, one token is named once a minute, and
all tokens together a bounded number of times.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from parabola.errors import PeerError
from parabola.seams import Clock
from parabola.sync.client_version import ClientVersion

_logger: Final = logging.getLogger("parabola.sync")

PERIOD_S: Final = 60.0
LINES_PER_PERIOD_MAX: Final = 30
TOKENS_REMEMBERED_MAX: Final = 1000
REASON_LENGTH_MAX: Final = 400


@dataclass(slots=True)
class _Logged:
    """When a refusal was last logged, and how often the same has happened since."""

    at_s: float
    repeated: int = 0


class RefusedTokens:
    """What one server has logged of late. No line has a token in it, nor does this keep any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logged: OrderedDict[bytes, _Logged] = OrderedDict()  # by token and reason, oldest line first
        self._refusals = _Allowance()
        self._expiries = _Allowance()

    def refused(self, token: str, error: PeerError, client: ClientVersion) -> None:
        """The token that `client` sent does not hold."""
        now_s = self._clock.monotonic()
        key = sha256(f"{error.code} {error.message} {token}".encode("utf-8", "surrogatepass")).digest()
        known = self._logged.get(key)
        if known is not None and now_s - known.at_s < PERIOD_S:
            known.repeated += 1
            return
        if not self._refusals.take(now_s):
            return
        self._logged[key] = _Logged(now_s)
        self._logged.move_to_end(key)
        if len(self._logged) > TOKENS_REMEMBERED_MAX:
            self._logged.popitem(last=False)
        again = f" The same token was refused {known.repeated} times more." if known and known.repeated else ""
        _logger.warning(
            "A token was refused (%s): %s It came from %s.%s%s",
            error.code,
            _sentence(error.message),
            _shown(client),
            again,
            self._refusals.untold(),
            extra={"code": error.code},
        )

    def expired(self, client: ClientVersion) -> None:
        """The token that `client` was connected with ran out before it sent a new one."""
        if self._expiries.take(self._clock.monotonic()):
            _logger.info(
                "A connection was ended since its token ran out and no new one came. It was that of %s.%s",
                _shown(client),
                self._expiries.untold(),
            )


class _Allowance:
    """How many lines may be logged, and how many were not."""

    def __init__(self) -> None:
        self._began_s = float("-inf")
        self._left = 0
        self._held_back = 0

    def take(self, now_s: float) -> bool:
        """Whether one more line may be logged now."""
        if now_s - self._began_s >= PERIOD_S:
            self._began_s, self._left = now_s, LINES_PER_PERIOD_MAX
        if self._left == 0:
            self._held_back += 1
            return False
        self._left -= 1
        return True

    def untold(self) -> str:
        """The sentence about what was not logged since it was last asked for; empty if nothing was left out."""
        count, self._held_back = self._held_back, 0
        return f" {count} others were not logged." if count else ""


def _shown(client: ClientVersion) -> str:
    if client.number is None:
        return "a client that does not say what it is"
    return f"the client {_printable(client.name)} {'.'.join(map(str, client.number))}"


def _sentence(text: str) -> str:
    text = _printable(text if len(text) <= REASON_LENGTH_MAX else text[:REASON_LENGTH_MAX] + "…")
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def _printable(text: str) -> str:
    """Parts of it may come from the token or a header: they must not drive a terminal, or look like other lines."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
