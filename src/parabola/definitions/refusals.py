"""What a class of the user's has against a value that its validator let pass: a `__post_init__` that raises, a Pydantic
validator.

The check at the door has passed by then, but it is a wrong argument all the same, and is reported like one.
"""

from __future__ import annotations

from parabola.errors import ValidationFailed
from parabola.values.kinds import Value
from parabola.values.render import render_value


class Refused(ValidationFailed):
    """A value that a class refused, laid out as the other validation errors are. `inside` says where it was found."""

    def __init__(self, sentence: str, path: str, value: Value, validator_name: str) -> None:
        ending = "" if sentence.endswith(".") else "."
        context = f"Path: {path}" if path else ""
        super().__init__(f"{sentence}{ending}\n{context}\nValue: {_shown(value)}\nValidator: {validator_name}")
        self._parts = (sentence, path, value, validator_name)

    def inside(self, step: str) -> Refused:
        """The same refusal, seen from the value around: `step` is `.field` or `[at]`."""
        sentence, path, value, validator_name = self._parts
        return Refused(sentence, step + path, value, validator_name)


def _shown(value: Value) -> str:
    try:
        return render_value(value)
    except Exception:  # what a model complains about need not be a value any more
        return repr(value)
