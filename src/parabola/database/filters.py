"""The expressions of `filter` (semantics 4.4): built by user code, compiled to one function per filter.

Comparisons use the total order over all values, so they never fail; arithmetic and logic are strict about types. A
filter keeps a document only if the expression is exactly `true`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import fmod, inf, isnan, nan
from typing import Any, Final, NoReturn

from parabola.database.key_functions import Document, value_at
from parabola.errors import QueryError
from parabola.values.model import INT64_MAX, INT64_MIN, UNDEFINED, Int64, Undefined, Value, normalize
from parabola.values.order import compare_values, values_equal
from parabola.values.render import render_value
from parabola.values.spelling import no_such_member

Evaluate = Callable[[Document], Any]


class Expression:
    """A part of a filter. Made by `FilterBuilder`; it means nothing outside `filter`."""

    __slots__ = ("op", "operands")

    def __init__(self, op: str, operands: tuple[Any, ...]) -> None:
        self.op = op
        self.operands = operands
        """Expressions; for `field` the path, for `literal` the value."""

    def __bool__(self) -> bool:
        raise QueryError(
            "A filter expression has no truth value of its own. Combine expressions with q.and_(...), q.or_(...) and "
            "q.not_(...), not with `and`, `or`, `not` or `if`."
        )

    def __eq__(self, other: object) -> NoReturn:
        # Python would compare identities, and the filter be false for every document without a word.
        raise QueryError("Compare inside a filter with q.eq(left, right), not with `==`.")

    def __ne__(self, other: object) -> NoReturn:
        raise QueryError("Compare inside a filter with q.neq(left, right), not with `!=`.")

    def _refuse_operator(self, *_: object) -> NoReturn:
        raise QueryError(
            "Operators mean nothing inside a filter. Write q.lt, q.lte, q.gt, q.gte, q.add, q.sub, q.mul, q.div or "
            'q.mod for them, as in q.gt(q.field("age"), 18).'
        )

    __lt__ = __le__ = __gt__ = __ge__ = _refuse_operator
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __neg__ = _refuse_operator
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rmod__ = __and__ = __or__ = __invert__ = _refuse_operator

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"q.{self.op}({', '.join(map(repr, self.operands))})"


class FilterBuilder:
    """The `q` of `filter(lambda q: q.eq(q.field("a"), 1))`. Operands are expressions or values."""

    __slots__ = ()

    def field(self, path: str) -> Expression:
        """The value at a field path such as "profile.name", or undefined."""
        if not isinstance(path, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise QueryError(f'q.field() takes the path of a field, such as "profile.name", not {path!r}.')
        return Expression("field", (path,))

    def eq(self, left: Any, right: Any) -> Expression:
        return self._binary("eq", left, right)

    def neq(self, left: Any, right: Any) -> Expression:
        return self._binary("neq", left, right)

    def lt(self, left: Any, right: Any) -> Expression:
        return self._binary("lt", left, right)

    def lte(self, left: Any, right: Any) -> Expression:
        return self._binary("lte", left, right)

    def gt(self, left: Any, right: Any) -> Expression:
        return self._binary("gt", left, right)

    def gte(self, left: Any, right: Any) -> Expression:
        return self._binary("gte", left, right)

    def add(self, left: Any, right: Any) -> Expression:
        return self._binary("add", left, right)

    def sub(self, left: Any, right: Any) -> Expression:
        return self._binary("sub", left, right)

    def mul(self, left: Any, right: Any) -> Expression:
        return self._binary("mul", left, right)

    def div(self, left: Any, right: Any) -> Expression:
        return self._binary("div", left, right)

    def mod(self, left: Any, right: Any) -> Expression:
        return self._binary("mod", left, right)

    def neg(self, operand: Any) -> Expression:
        return Expression("neg", (as_expression(operand),))

    def and_(self, *operands: Any) -> Expression:
        """True if all are; of none, true."""
        return Expression("and", tuple(map(as_expression, operands)))

    def or_(self, *operands: Any) -> Expression:
        """True if any is; of none, false."""
        return Expression("or", tuple(map(as_expression, operands)))

    def not_(self, operand: Any) -> Expression:
        return Expression("not", (as_expression(operand),))

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(no_such_member("q of filter()", name, FilterBuilder))

    def __getitem__(self, name: object) -> NoReturn:
        raise QueryError(f"Write q.field({name!r}) for a field of the document, not q[{name!r}].")

    def _binary(self, op: str, left: Any, right: Any) -> Expression:
        return Expression(op, (as_expression(left), as_expression(right)))


def as_expression(operand: Any) -> Expression:
    """The operand itself if it is an expression, otherwise a literal of it."""
    if isinstance(operand, Expression):
        return operand
    return Expression("literal", (operand if operand is UNDEFINED else normalize(operand),))


def describe(expression: Expression) -> Value:
    """The expression as a value: what a cursor's fingerprint is made from."""
    if expression.op == "literal":
        (literal,) = expression.operands
        return ["literal"] if literal is UNDEFINED else ["literal", literal]
    if expression.op == "field":
        return ["field", expression.operands[0]]
    return [expression.op, *map(describe, expression.operands)]


def compile_filter(expression: Expression) -> Callable[[Document], bool]:
    """A function that says whether to keep a document. Raises `QueryError` (EvalError) as the expression is
    evaluated.
    """
    evaluate = _compile(expression)

    def keep(document: Document) -> bool:
        result = evaluate(document)
        if result is True or result is False:
            return bool(result)
        raise QueryError(
            f"A filter must be true or false for each document, but was {_shown(result)} (type {type_name(result)}).",
            code="EvalError",
        )

    return keep


def type_name(value: Value) -> str:
    """What Convex calls the type of a value."""
    if type(value) is bool:
        return "Boolean"
    return _TYPE_NAMES.get(type(value), "Undefined")


_TYPE_NAMES: Final[dict[type, str]] = {
    Undefined: "Undefined",
    type(None): "Null",
    Int64: "Int64",
    int: "Float64",
    float: "Float64",
    str: "String",
    bytes: "Bytes",
    list: "Array",
    dict: "Object",
}

_COMPARISONS: Final[dict[str, Callable[[int], bool]]] = {
    "lt": lambda sign: sign < 0,
    "lte": lambda sign: sign <= 0,
    "gt": lambda sign: sign > 0,
    "gte": lambda sign: sign >= 0,
}


def _compile(expression: Expression) -> Evaluate:
    op = expression.op
    if op == "literal":
        (literal,) = expression.operands
        return lambda document: literal
    if op == "field":
        path: str = expression.operands[0]
        if "." not in path:
            return lambda document: document.get(path, UNDEFINED)
        names = path.split(".")
        return lambda document: value_at(document, names)
    parts = [_compile(operand) for operand in expression.operands]
    if op in ("and", "or"):
        return _compile_logic(op, parts)
    if op == "not":
        (inner,) = parts
        return lambda document: not _boolean(inner(document), "not")
    if op == "neg":
        (inner,) = parts
        return lambda document: _negate(inner(document))
    left, right = parts
    if op == "eq":
        return lambda document: values_equal(left(document), right(document))
    if op == "neq":
        return lambda document: not values_equal(left(document), right(document))
    holds = _COMPARISONS.get(op)
    if holds is not None:
        return lambda document: holds(compare_values(left(document), right(document)))
    return lambda document: calculate(op, left(document), right(document))


def _compile_logic(op: str, parts: list[Evaluate]) -> Evaluate:
    decisive = op == "or"  # the value that ends the evaluation

    def evaluate(document: Document) -> bool:
        for part in parts:
            if _boolean(part(document), op) is decisive:
                return decisive
        return not decisive

    return evaluate


def _boolean(value: Value, op: str) -> bool:
    if value is True or value is False:
        return bool(value)
    raise QueryError(
        f"Cannot apply {op} to {_shown(value)} (type {type_name(value)}): it must be a Boolean.", code="EvalError"
    )


def _negate(value: Value) -> Value:
    kind = type_name(value)
    if kind == "Float64":
        return -float(value)
    if kind == "Int64" and value != INT64_MIN:
        return Int64(-int(value))
    raise QueryError(f"Cannot negate {_shown(value)} (type {kind})", code="EvalError")


_VERBS: Final = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "mod": "mod"}


def calculate(op: str, left: Value, right: Value) -> Value:
    """`left op right` for op in add, sub, mul, div, mod; both Float64 or both Int64, else `QueryError` (EvalError)."""
    left_kind, right_kind = type_name(left), type_name(right)
    if left_kind == right_kind == "Float64":
        return _calculate_floats(op, float(left), float(right))
    if left_kind == right_kind == "Int64":
        return _calculate_integers(op, int(left), int(right))
    raise QueryError(
        f"Cannot {_VERBS[op]} {_shown(left)} (type {left_kind}) and {_shown(right)} (type {right_kind})",
        code="EvalError",
    )


def _calculate_floats(op: str, left: float, right: float) -> float:
    if op == "add":
        return left + right
    if op == "sub":
        return left - right
    if op == "mul":
        return left * right
    if op == "div":
        if right != 0.0:
            return left / right
        if left == 0.0 or isnan(left):
            return nan
        same_sign = (str(left)[0] == "-") == (str(right)[0] == "-")
        return inf if same_sign else -inf
    if right == 0.0 or left in (inf, -inf):
        return nan
    return fmod(left, right)


def _calculate_integers(op: str, left: int, right: int) -> Int64:
    if op in ("div", "mod") and right == 0:
        raise QueryError(f"Cannot {_VERBS[op]} {left} by zero", code="EvalError")
    if op == "add":
        result = left + right
    elif op == "sub":
        result = left - right
    elif op == "mul":
        result = left * right
    else:
        quotient = abs(left) // abs(right)
        if (left < 0) != (right < 0):
            quotient = -quotient
        result = quotient if op == "div" else left - quotient * right
    if not INT64_MIN <= result <= INT64_MAX:
        raise QueryError(
            f"Cannot {_VERBS[op]} {left} and {right}: the result is out of range for Int64", code="EvalError"
        )
    return Int64(result)


def _shown(value: Value) -> str:
    return "undefined" if value is UNDEFINED else render_value(value)
