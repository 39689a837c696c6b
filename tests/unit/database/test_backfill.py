from __future__ import annotations

from parabola.database.backfill import Backfill
from parabola.schema.check import compile_check
from parabola.schema.validators import v
from tests.unit.database.helpers import fails, fill, open_database, write


def test_a_walk_goes_over_every_document_in_small_steps() -> None:
    database = open_database()
    fill(database, "t", *({"n": n} for n in range(25)))
    backfill = Backfill(database, "t", [], compile_check(v.object({"n": v.number()})))
    steps = 1
    while not backfill.step(10):
        assert backfill.documents_done == 10 * steps
        steps += 1
    assert (steps, backfill.documents_done) == (3, 25)
    assert backfill.step(10)


def test_a_walk_stops_at_a_document_that_does_not_fit() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"n": "text"})
    backfill = Backfill(database, "t", [], compile_check(v.object({"n": v.number()})))
    fails(
        "SchemaEnforcementError",
        f'Document with ID "{one}" in table "t" does not match the schema: Value does not match validator.\n'
        'Path: .n\nValue: "text"\nValidator: v.float64()',
        lambda: backfill.step(10),
    )


def test_a_document_mended_before_the_walk_came_by_fits() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"n": "text"})
    backfill = Backfill(database, "t", [], compile_check(v.object({"n": v.number()})))
    write(database, lambda tx: tx.patch(one, {"n": 1}))
    assert backfill.step(10)


def test_a_table_that_does_not_exist_is_done() -> None:
    assert Backfill(open_database(), "nowhere", [], None).step(10)
