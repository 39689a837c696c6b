from __future__ import annotations

import sqlite3

from parabola.storage.sqlite_files import SQL
from parabola.storage.statements import load_statements


def test_every_titled_statement_is_found_without_its_comments() -> None:
    statements = load_statements("sqlite")
    assert statements["append_log"].startswith("INSERT INTO log")
    assert not any("--" in statement or statement.endswith(";") for statement in statements.values())
    assert all(statements.values())


def test_what_is_trimmed_is_looked_up_and_not_searched_for() -> None:
    """Counts the steps of SQLite's machine: they must not grow with the table."""
    data = sqlite3.connect(":memory:", isolation_level=None)
    data.executescript(SQL["create_data"])
    data.executescript(SQL["create_sorted"])
    versions = [(n, ts) for n in range(5000) for ts in (1, 2)]
    data.executemany("INSERT INTO documents VALUES (10, ?, ?, x'00')", [(str(n), ts) for n, ts in versions])
    data.executemany("INSERT INTO entries VALUES (20, ?, ?, 'a')", [(b"%d" % n, ts) for n, ts in versions])
    data.execute("INSERT INTO sorted_documents VALUES (10, '77', 2, NULL), (10, '4000', 2, NULL)")
    data.execute("INSERT INTO sorted_entries VALUES (20, x'3737', 2, NULL)")
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    data.set_progress_handler(step, 10)
    data.execute(SQL["trim_documents"])
    data.execute(SQL["trim_entries"])
    data.set_progress_handler(None, 0)
    assert steps < 100
    assert data.execute("SELECT id FROM documents WHERE ts = 1 AND id IN ('77', '4000')").fetchall() == []
    assert data.execute("SELECT count(*) FROM documents").fetchone() == (9998,)
    assert data.execute("SELECT count(*) FROM entries").fetchone() == (9999,)
    data.close()
