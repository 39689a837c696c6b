"""Which client is asking: what the `Convex-Client` header or the path says (wire 1.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

_SEMVER = re.compile(
    r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)

_NEWEST_UNSUPPORTED_NPM: Final = (0, 19, 1)
# The last ones whose HTTP clients name no format and read encoded values.
_LAST_WITHOUT_FORMAT: Final = {"npm": (1, 4, 1), "python": (0, 5, 0)}


class ClientVersion(NamedTuple):
    """A client's name and its version's first three numbers; `number` is None when unknown."""

    name: str
    number: tuple[int, int, int] | None

    @property
    def is_supported(self) -> bool:
        """Whether this server still speaks its protocol; only very old npm clients are not."""
        return not (self.name == "npm" and self.number is not None and self.number <= _NEWEST_UNSUPPORTED_NPM)

    @property
    def reads_encoded_values(self) -> bool:
        """Whether its HTTP client, where it names no format, reads `convex_encoded_json` (wire 2.2)."""
        last = _LAST_WITHOUT_FORMAT.get(self.name)
        return last is not None and self.number is not None and self.number <= last


_TEXT_LENGTH_MAX: Final = 128
"""No client has a longer name and version; what is longer is not looked at."""

UNKNOWN_CLIENT: Final = ClientVersion("unknown", None)


def parse_client_header(text: str) -> ClientVersion | None:
    """`<name>-<version>`, where the name may hold dashes: the longest suffix that is a version wins; or None."""
    if len(text) > _TEXT_LENGTH_MAX:
        return None
    dash = text.find("-")
    while dash != -1:
        number = _parse_number(text[dash + 1 :])
        if number is not None and dash > 0:
            return ClientVersion(text[:dash], number)
        dash = text.find("-", dash + 1)
    return None


def identify_client(header: str | None, path_part: str | None) -> ClientVersion:
    """The header wins; else the version in the path, which only npm clients put there; else unknown."""
    if len(header or "") > _TEXT_LENGTH_MAX or len(path_part or "") > _TEXT_LENGTH_MAX:
        return UNKNOWN_CLIENT
    return _identify(header, path_part)


@lru_cache(maxsize=256)
def _identify(header: str | None, path_part: str | None) -> ClientVersion:
    if header is not None:
        return parse_client_header(header) or UNKNOWN_CLIENT
    if path_part is not None:
        number = _parse_number(path_part)
        if number is not None:
            return ClientVersion("npm", number)
    return UNKNOWN_CLIENT


def _parse_number(text: str) -> tuple[int, int, int] | None:
    match = _SEMVER.fullmatch(text)
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3])
