"""`Id["users"]`: the id of a document of a table, in annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from parabola.schema.validator_types import IdValidator

if TYPE_CHECKING:
    # Type checkers understand a string in brackets only as a literal's. To them an id is so a `str` of its own
    # table; `Annotated[str, v.id("users")]` says the same to Parabola and is exactly `str` to them.
    from typing import Literal as Id
else:

    class Id:
        """Annotates an argument or a field as the id of a document: `user: Id["users"]`. At run time it is a `str`."""

        def __class_getitem__(cls, table_name: str) -> Any:
            return Annotated[str, IdValidator(table_name)]


__all__ = ["Id"]
