"""The tables of the application that the scenarios run against."""

from parabola import define_schema, define_table, v

schema = define_schema(
    messages=define_table(channel=v.string(), author=v.string(), body=v.string()).index("by_channel", ["channel"]),
    entries=define_table(room=v.string(), position=v.number(), body=v.string()).index(
        "by_room_and_position", ["room", "position"]
    ),
    accounts=define_table(bank=v.string(), number=v.number(), balance=v.number()).index(
        "by_bank_and_number", ["bank", "number"]
    ),
    transfers=define_table(bank=v.string(), key=v.string()).index("by_bank_and_key", ["bank", "key"]),
    anything=define_table(label=v.string(), value=v.any()).index("by_label", ["label"]),
)
