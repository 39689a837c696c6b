"""What is said about wrong arguments of database calls: the texts of semantics 4.1, 5.1 and 5.2, in one place."""

from __future__ import annotations

import re
from typing import Any, Final

from parabola.database.catalog import Catalog, Table
from parabola.database.system_tables import SYSTEM_TABLE_NUMBER_MAX
from parabola.errors import DeveloperError, InvalidArgument, QueryError
from parabola.values.ids import InvalidId, decode_id, table_number_of
from parabola.values.misused import explain_misuse
from parabola.values.model import UNDEFINED
from parabola.values.order import values_equal
from parabola.values.render import render_value

_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_known_identifiers: set[str] = set()


def not_an_id(given: Any, method: str) -> DeveloperError:
    """`given` was passed where an id belongs."""
    if given is UNDEFINED:
        return InvalidArgument(f"Must provide arg 1 `id` to `{method}`")
    if not isinstance(given, str):
        shown = repr(given)
        return InvalidArgument(
            f"Invalid argument `id` for `db.{method}`, expected string but got '{type(given).__name__}': "
            f"{shown if len(shown) <= 200 else shown[:200] + '…'}{_advice(given)}"
        )
    try:
        decode_id(given)
    except InvalidId as error:
        return InvalidArgument(f"Invalid argument `id` for `db.{method}`: {error}")
    return InvalidArgument(f"Invalid argument `id` for `db.{method}`: Unable to decode ID")


def _advice(given: Any) -> str:
    advice = explain_misuse(given)
    return f".{advice}" if advice else ""


def wrong_table(method: str, expected: str, found: str | None) -> InvalidArgument:
    """The id is of another table than the one that was named."""
    return InvalidArgument(
        f'Invalid argument `id` for `db.{method}`: expected to be an Id<"{expected}">, '
        f'got Id<"{found or "unknown"}"> instead.'
    )


def table_not_found(method: str, document_id: str) -> InvalidArgument:
    """The id is of a table that never existed."""
    return InvalidArgument(f'Invalid argument `id` for `db.{method}`: Table for ID "{document_id}" not found')


def not_an_object(method: str) -> InvalidArgument:
    return InvalidArgument(f"Invalid argument `value` for `db.{method}`: Value must be an Object")


def nonexistent(what: str, document_id: str) -> DeveloperError:
    """`what` is "Update", "Replace" or "Delete"."""
    return DeveloperError(f"{what} on nonexistent document ID {document_id}", code="NonexistentDocument")


def system_table_is_read_only() -> QueryError:
    return QueryError("System tables (prefixed with `_`) are read-only.", code="SystemTableError")


def table_to_write(catalog: Catalog, document_id: Any, method: str, table: str | None) -> Table:
    """The table that an id belongs to, if users may write to it, and if it is the one that was named, if one was."""
    number = table_number_of(document_id)
    if number is None:
        raise not_an_id(document_id, method)
    if number <= SYSTEM_TABLE_NUMBER_MAX:
        raise system_table_is_read_only()
    found = catalog.table_by_number(number)
    if found is None:
        raise table_not_found(method, document_id)
    if table is not None and found.name != table:
        raise wrong_table(method, table, found.name)
    return found


def is_system_name(table: Any, method: str) -> bool:
    """Whether `table` names one of Parabola's own tables. Raises if it is no name at all."""
    if not isinstance(table, str):
        raise InvalidArgument(
            f"Invalid argument `table` for `db.{method}`, expected string but got '{type(table).__name__}'"
        )
    return table.startswith("_")


def check_door(table: Any, method: str, *, system: bool) -> None:
    """Raises unless `table` belongs behind `db.system` if `system` is set, and else behind `db`."""
    if is_system_name(table, method) != system:
        side, door = ("User", "db") if system else ("System", "db.system")
        raise QueryError(f"{side} tables can only be accessed from {door}.{method}().", code="SystemTableError")


def check_table_name(name: Any) -> None:
    """Raises unless `name` may name a user's table."""
    if name in _known_identifiers:
        return
    if not isinstance(name, str):
        raise InvalidArgument(
            f"Invalid argument `table` for `db.insert`, expected string but got '{type(name).__name__}'"
        )
    if name.startswith("_"):
        raise system_table_is_read_only()
    if _IDENTIFIER.fullmatch(name) is None:
        raise DeveloperError(
            f'Invalid table name: "{name}". Identifiers must start with a letter and can only contain letters, digits, '
            "and underscores.",
            code="InvalidTableName",
        )
    if len(_known_identifiers) < 20_000:
        _known_identifiers.add(name)


def check_system_fields(given: dict[str, Any], document_id: str, creation_time: float) -> None:
    """Raises unless `_id` and `_creationTime`, where they are given, are those of the document."""
    named_id = given.get("_id", document_id)
    if named_id is not UNDEFINED and named_id != document_id:
        shown = render_value(named_id) if isinstance(named_id, str) else repr(named_id)
        raise DeveloperError(
            f"Provided document ID {document_id} doesn't match '_id' field {shown}", code="InvalidIdError"
        )
    named_time = given.get("_creationTime", creation_time)
    if named_time is UNDEFINED:
        return
    is_number = isinstance(named_time, int | float) and not isinstance(named_time, bool)
    if not is_number or not values_equal(float(named_time), creation_time):
        raise DeveloperError(
            f"Provided creation time {creation_time!r} doesn't match '_creationTime' field in {given!r}",
            code="InvalidCreationTimeError",
        )


def unusable_index(table: str, index: str, state: str | None) -> QueryError:
    """A query named an index that is not there, or not yet."""
    if state is None:
        return QueryError(f"Index {table}.{index} not found.", code="IndexNotFoundError")
    if state == "staged":
        return QueryError(
            f"Index {table}.{index} is currently staged and not available to query until it is enabled.",
            code="IndexStagedError",
        )
    return QueryError(
        f"Index {table}.{index} is currently backfilling and not available to query yet.", code="IndexBackfillingError"
    )
