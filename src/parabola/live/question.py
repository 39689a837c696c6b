"""What a live query asks, in the form by which equal questions are recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from parabola.errors import InvalidValue
from parabola.functions.calls import decode_arguments
from parabola.functions.outcome import Visibility
from parabola.limits import DEFAULT_LIMITS
from parabola.values import canonical_args_key

if TYPE_CHECKING:
    from parabola.live.subscription import LiveRun

AnswerKey = tuple[bytes | None, str | None]
"""Identity key (None: anybody's) and journal."""


class Question:
    """One query with its arguments, asked by callers of one visibility.

    Two questions have the same `key` when the canonical path and the arguments are equal (1 and 1.0 are the same
    argument) and both askers may reach the same functions. Who asks, and with which journal, is not part of it. The
    arguments are kept as they came, which takes the least room.
    """

    __slots__ = (
        "__weakref__",
        "answers",
        "args_json",
        "component",
        "is_shared",
        "key",
        "path",
        "refusal",
        "visibility",
    )

    def __init__(
        self,
        path: str,
        args_json: bytes,
        visibility: Visibility = "public",
        component: str = "",
        arguments_bytes_max: int = DEFAULT_LIMITS.arguments_bytes_max,
    ) -> None:
        """`args_json` is what the wire carries, an array holding one object. Never raises: bad arguments are asked
        too, and the answer is `refusal`.
        """
        self.path = path
        self.visibility: Visibility = visibility
        self.component = component
        self.args_json = args_json
        self.refusal: InvalidValue | None = None
        try:
            args_key = canonical_args_key(decode_arguments(args_json, arguments_bytes_max))
        except InvalidValue as refusal:
            # Its traceback would keep everything alive that led here.
            self.refusal = refusal.with_traceback(None)
            args_key = b"\xff" + args_json
        self.key: Final = (path, args_key, visibility, component)
        # The valid runs that the cache holds for it. Belongs to `QueryCache`, and is of use only while `is_shared`.
        self.answers: dict[AnswerKey, LiveRun] = {}
        # Whether this is the object that all who ask the same share (`Questions.share`).
        self.is_shared = False

    def __repr__(self) -> str:
        return f"Question({self.path!r}, {self.args_json!r}, {self.visibility!r})"

    @property
    def size(self) -> int:
        """About how many bytes keeping this question costs."""
        return 500 + len(self.path) + len(self.args_json) + len(self.key[1])


class Questions:
    """The questions that anybody has a use for, each once: so that a cached answer is found on the question itself."""

    def __init__(self) -> None:
        self._by_key: WeakValueDictionary[tuple[str, bytes, Visibility, str], Question] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._by_key)

    def share(self, question: Question) -> Question:
        """The one question that stands for all with this key: perhaps `question` itself."""
        if question.is_shared:
            return question
        known = self._by_key.get(question.key)
        if known is not None:
            return known
        question.is_shared = True
        self._by_key[question.key] = question
        return question
