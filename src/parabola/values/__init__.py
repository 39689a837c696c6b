"""What a document may hold: the values, their order, keys, sizes, ids and forms on the wire and in the store. Pure."""

from __future__ import annotations

from parabola.values.documents import decode_document, encode_document
from parabola.values.ids import InvalidId, decode_id, encode_id, new_internal_id, table_number_of
from parabola.values.keys import canonical_args_key, encode_key, encode_key_parts, prefix_end
from parabola.values.model import (
    UNDEFINED,
    Int64,
    NormalizedDocument,
    Undefined,
    Value,
    normalize,
    normalize_document,
)
from parabola.values.order import compare_values, values_equal
from parabola.values.render import render_value
from parabola.values.size import document_size, format_size, get_convex_size, get_document_size, value_size
from parabola.values.wire import decode_wire, encode_http, encode_wire, from_wire, to_wire

__all__ = [
    "UNDEFINED",
    "Int64",
    "InvalidId",
    "NormalizedDocument",
    "Undefined",
    "Value",
    "canonical_args_key",
    "compare_values",
    "decode_document",
    "decode_id",
    "decode_wire",
    "document_size",
    "encode_document",
    "encode_http",
    "encode_id",
    "encode_key",
    "encode_key_parts",
    "encode_wire",
    "format_size",
    "from_wire",
    "get_convex_size",
    "get_document_size",
    "new_internal_id",
    "normalize",
    "normalize_document",
    "prefix_end",
    "render_value",
    "table_number_of",
    "to_wire",
    "value_size",
    "values_equal",
]
