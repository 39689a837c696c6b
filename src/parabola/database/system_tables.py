"""The tables that belong to Parabola itself.

They are known before anything is read, since the catalog of all other tables is stored in them. Their table numbers
are 1 to 99 and never change; a number once given is not used for anything else.

Index numbers: table n has its `by_id` at 2n and its `by_creation_time` at 2n + 1. Declared indexes of system tables
have 1000 + 10n and up, those of user tables FIRST_INDEX_NUMBER and up. So no two ever meet, whatever is created.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FIRST_USER_TABLE_NUMBER: Final = 10_001
FIRST_INDEX_NUMBER: Final = 1 << 40
SYSTEM_TABLE_NUMBER_MAX: Final = 99


class SystemTable(NamedTuple):
    """One of Parabola's own tables. `indexes` are pairs of name and fields, numbered in this order."""

    number: int
    name: str
    indexes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    readable: bool = False
    """Whether user code may read it through `db.system`."""
    by_creation_time: bool = True
    """Whether it has this index, whose entries cost as much as the documents. Without it, a scan is in order of ids."""


TABLES: Final = SystemTable(1, "_tables", (("by_name", ("name",)),))
INDEXES: Final = SystemTable(2, "_indexes", (("by_table", ("table", "name")),))
SCHEMAS: Final = SystemTable(3, "_schemas", (("by_state", ("state",)),))
SESSION_REQUESTS: Final = SystemTable(4, "_session_requests", by_creation_time=False)
SCHEDULED_FUNCTIONS: Final = SystemTable(
    5,
    "_scheduled_functions",
    (("by_state_and_time", ("state.kind", "scheduledTime")), ("by_completed_time", ("completedTime",))),
    readable=True,
)
STORAGE: Final = SystemTable(6, "_storage", (("by_storage_id", ("storageId",)),), readable=True)
SETTINGS: Final = SystemTable(7, "_settings", (("by_key", ("key",)),))
ENVIRONMENT_VARIABLES: Final = SystemTable(8, "_environment_variables", (("by_name", ("name",)),))
CRON_JOBS: Final = SystemTable(9, "_cron_jobs")

SYSTEM_TABLES: Final = (
    TABLES,
    INDEXES,
    SCHEMAS,
    SESSION_REQUESTS,
    SCHEDULED_FUNCTIONS,
    STORAGE,
    SETTINGS,
    ENVIRONMENT_VARIABLES,
    CRON_JOBS,
)

# Documents of `_settings`, by their `key`.
NUMBERS_KEY: Final = "numbers"
"""`nextTable` and `nextIndex`: numbers are never given twice: an old one may still have entries in the storage."""
CURSOR_SECRET_KEY: Final = "cursor_secret"


def by_id_index_number(table_number: int) -> int:
    """The number under which reads and writes by id are recorded."""
    return 2 * table_number


def by_creation_time_index_number(table_number: int) -> int:
    """The number of a table's `by_creation_time` index."""
    return 2 * table_number + 1


def system_index_number(table_number: int, position: int) -> int:
    """The number of a system table's declared index."""
    return 1000 + 10 * table_number + position


def table_number_of_builtin_index(index_number: int) -> int | None:
    """The table of a `by_id` or `by_creation_time` index, or of a system table's index; None for a declared one."""
    if index_number >= FIRST_INDEX_NUMBER:
        return None
    if 1000 <= index_number < 1000 + 10 * (SYSTEM_TABLE_NUMBER_MAX + 1):
        return (index_number - 1000) // 10
    return index_number // 2
