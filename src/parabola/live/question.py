"""What a live query asks, in the form by which equal questions are recognised."""

from __future__ import annotations

from typing import Any

from parabola.errors import InvalidValue
from parabola.functions.outcome import Visibility
from parabola.values import canonical_args_key
from parabola.values.wire import decode_wire


class Question:
    """One query with its arguments, asked by callers of one visibility.

    Two questions are equal when the canonical path and the arguments are (1 and 1.0 are the same argument) and both
    askers may reach the same functions. Who asks, and with which journal, is not part of it. The arguments are kept
    as the JSON they came in: each run decodes a fresh copy, since a handler may change what it is given.
    """

    __slots__ = ("_hash", "args_json", "component", "key", "path", "visibility")

    def __init__(self, path: str, args_json: bytes, visibility: Visibility = "public", component: str = "") -> None:
        """`args_json` is what the wire carries, an array holding one object. Never raises: bad arguments are asked
        too, and the answer is an error.
        """
        self.path = path
        self.args_json = args_json
        self.visibility: Visibility = visibility
        self.component = component
        try:
            args_key = canonical_args_key(decode_arguments(args_json))
        except (InvalidValue, TypeError):
            args_key = b"\xff" + args_json
        self.key = (path, args_key, visibility, component)
        self._hash = hash(self.key)

    def decode(self) -> Any:
        """The arguments for one run. Raises `InvalidValue` if they are not values."""
        return decode_arguments(self.args_json)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self.key == other.key

    def __repr__(self) -> str:
        return f"Question({self.path!r}, {self.args_json!r})"


def decode_arguments(args_json: bytes) -> Any:
    """The argument object in `[{…}]`. Anything else is given back decoded as it is, for the runner to refuse by name.

    Raises `InvalidValue` for JSON that is no value.
    """
    decoded = decode_wire(args_json)
    if isinstance(decoded, list) and len(decoded) == 1:
        return decoded[0]
    return decoded
