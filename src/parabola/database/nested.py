"""What a transaction goes back to when a nested call is undone."""

from __future__ import annotations

from parabola.database.catalog import Catalog


class Nested:
    """The state at the beginning of one nested call; what it wrote is undone by the write set itself."""

    __slots__ = ("catalog", "paginated", "pending_failure", "usage")

    def __init__(
        self, usage: tuple[int, int, int, int], catalog: Catalog, paginated: bool, pending_failure: str | None
    ) -> None:
        self.usage = usage
        self.catalog = catalog
        self.paginated = paginated
        self.pending_failure = pending_failure
