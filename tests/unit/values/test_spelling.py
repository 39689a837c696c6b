"""A name that is not there is answered with the one that was meant."""

from __future__ import annotations

import pytest

from parabola import v
from parabola.database.filters import FilterBuilder
from parabola.database.ranges import IndexRangeBuilder
from parabola.values.spelling import no_such_member


class Things:
    def with_index(self) -> None: ...
    def collect(self) -> None: ...
    def and_(self) -> None: ...


@pytest.mark.parametrize(
    ("name", "meant"), [("withIndex", "with_index"), ("colect", "collect"), ("and", "and_"), ("elsewhere", None)]
)
def test_the_nearest_name_is_suggested(name: str, meant: str | None) -> None:
    suggestion = "" if meant is None else f" Did you mean {meant}?"
    assert no_such_member("A query", name, Things) == f"A query has no {name!r}.{suggestion}"


def test_the_builders_and_v_suggest_names() -> None:
    with pytest.raises(AttributeError, match="Did you mean and_"):
        getattr(FilterBuilder(), "and")
    with pytest.raises(AttributeError, match="has eq, gt, gte, lt and lte"):
        IndexRangeBuilder().neq("a", 1)
    with pytest.raises(AttributeError, match="Did you mean commit_ts"):
        v.commitTs()
    with pytest.raises(AttributeError, match=r"There is no v\.date\. Write v\.number\(\)"):
        v.date()
