"""One table, as in the baseline."""

from parabola import define_schema, define_table, v

schema = define_schema(
    accounts=define_table(number=v.number(), balance=v.number()).index("by_number", ["number"]),
)
