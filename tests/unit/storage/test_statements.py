from __future__ import annotations

from parabola.storage.statements import load_statements


def test_every_titled_statement_is_found_without_its_comments() -> None:
    statements = load_statements("sqlite")
    assert statements["append_log"].startswith("INSERT INTO log")
    assert not any("--" in statement or statement.endswith(";") for statement in statements.values())
    assert all(statements.values())
