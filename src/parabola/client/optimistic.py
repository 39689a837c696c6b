"""Local changes to query results, shown until the server's results reflect the mutation that made them.

Theory of operation. Nothing is ever merged. The results on display are the server's, with the updates of all
mutations under way played over them, oldest first. Whenever the server's results or the set of updates change, the
local layer is thrown away and played anew; an update whose mutation is reflected, or has failed, is simply not played
any more. So a change never shows twice and never stays behind.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeAlias

from parabola.definitions.paths import canonical_path
from parabola.definitions.references import get_function_name
from parabola.errors import ClientError
from parabola.sync.client_effects import QueryToken
from parabola.sync.client_incoming import Answer, Outcome
from parabola.sync.client_peer import query_token
from parabola.sync.client_queries import QuerySet
from parabola.values.model import UNDEFINED, normalize
from parabola.values.order import values_equal

log = logging.getLogger("parabola.client")


class _Entry:
    """A result that an update has set; the outcome is None where it set the query to loading."""

    __slots__ = ("args", "outcome")

    def __init__(self, args: dict[str, Any], outcome: Outcome | None) -> None:
        self.args = args
        self.outcome = outcome


_Layer: TypeAlias = dict[QueryToken, _Entry]


class LocalStore:
    """What an optimistic update is given: the results on display, to be read and replaced.

    Values that are read are copies; change one and set it.
    """

    def __init__(self, queries: QuerySet, layer: dict[QueryToken, Any]) -> None:
        self._queries = queries
        self._layer: _Layer = layer

    def get_query(self, ref: object, args: Mapping[str, Any] | None = None, default: Any = None) -> Any:
        """The result of a query, `default` while it is loading, failed, or not watched by anybody."""
        token, _ = query_token(get_function_name(ref), args)
        return _value_of(self._outcome(token), default)

    def get_all_queries(self, ref: object, default: Any = None) -> list[tuple[dict[str, Any], Any]]:
        """Every watched query of a function, as (args, result or `default`): for updates of all pages or filters."""
        path = canonical_path(get_function_name(ref))
        watched = {query.token: query.args for query in self._queries if query.path == path}
        watched.update((token, entry.args) for token, entry in self._layer.items() if token[0] == path)
        return [(copy_value(args), _value_of(self._outcome(token), default)) for token, args in watched.items()]

    def set_query(self, ref: object, args: Mapping[str, Any] | None, value: Any) -> None:
        """Shows `value` as the result of a query; `UNDEFINED` shows it as loading."""
        token, values = query_token(get_function_name(ref), args)
        self._layer[token] = _Entry(values, None if value is UNDEFINED else Answer(normalize(value)))

    def _outcome(self, token: QueryToken) -> Outcome | None:
        entry = self._layer.get(token)
        if entry is not None:
            return entry.outcome
        query = self._queries.get(token)
        return None if query is None else query.result


class OptimisticUpdate(Protocol):
    """A function that shows at once what a mutation will do. It is called again whenever results change."""

    def __call__(self, store: LocalStore, args: dict[str, Any], /) -> object: ...


_NOTHING: Final[_Layer] = {}


class OptimisticResults:
    """The results on display; see the module's theory of operation."""

    def __init__(self, queries: QuerySet) -> None:
        self._queries = queries
        self._updates: dict[int, Callable[[LocalStore], None]] = {}
        self._layer = _NOTHING
        self.is_playing = False
        """Whether an update is being called right now."""

    def outcome(self, token: QueryToken) -> Outcome | None:
        """The result to show; None for loading."""
        entry = self._layer.get(token)
        if entry is not None:
            return entry.outcome
        query = self._queries.get(token)
        return None if query is None else query.result

    def add(self, request_id: int, update: OptimisticUpdate, args: dict[str, Any]) -> frozenset[QueryToken]:
        """Shows an update from now on; returns the queries whose results on display may be new. What the update raises
        is raised here, and then nothing has changed.
        """
        layer = dict(self._layer)

        def play(store: LocalStore) -> None:
            self.is_playing = True
            try:
                left = update(store, copy_value(args))
            finally:
                self.is_playing = False
            if inspect.isawaitable(left):
                if inspect.iscoroutine(left):
                    left.close()
                raise ClientError(
                    "An optimistic update must be a plain function: it shows its change at once, and an `async def` "
                    "could do so only later. Write it with `def`."
                )

        play(LocalStore(self._queries, layer))
        self._updates[request_id] = play
        self._layer = layer
        return frozenset(layer)

    def settle(self, request_ids: Iterable[int], changed: frozenset[QueryToken]) -> frozenset[QueryToken]:
        """The server's results of the queries `changed` are new, and these mutations are reflected in them or failed.

        Returns the queries whose results on display may be new.
        """
        if not self._updates:
            return changed
        for request_id in request_ids:
            self._updates.pop(request_id, None)
        old = self._layer
        self._layer = {}
        for request_id, play in list(self._updates.items()):
            trial = dict(self._layer)
            try:
                play(LocalStore(self._queries, trial))
            except Exception:
                # It worked on older results. Without it the page is merely less quick.
                log.exception("An optimistic update failed when it was played over new results; it is dropped.")
                del self._updates[request_id]
            else:
                self._layer = trial
        return changed | old.keys() | self._layer.keys()


def same_outcome(a: Outcome | None, b: Outcome | None) -> bool:
    """Whether two results show the same."""
    if a is b:
        return True
    if isinstance(a, Answer) and isinstance(b, Answer):
        return values_equal(a.value, b.value)
    return False


def _value_of(outcome: Outcome | None, default: Any) -> Any:
    return copy_value(outcome.value) if isinstance(outcome, Answer) else default


def copy_value(value: Any) -> Any:
    """A value of one's own, which may be changed: what is on display is shared."""
    if type(value) is dict:
        return {name: copy_value(item) for name, item in value.items()}
    if type(value) is list:
        return [copy_value(item) for item in value]
    return value
