"""Random expressions on a schema's columns, well typed, as a person would write them."""

from __future__ import annotations

from hypothesis import strategies as st

from datasets.schema import NUMERIC, Schema

Texts = st.SearchStrategy[str]


def any_type(schema: Schema) -> Texts:
    return st.one_of(numbers(schema), truths(schema), texts(schema), times(schema))


def numbers(schema: Schema, depth: int = 1) -> Texts:
    leaf = columns(schema, NUMERIC) | st.sampled_from(["0", "1", "2.5", "1e300", "0.1", "-3"])
    if not depth:
        return leaf
    inner = numbers(schema, depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(st.sampled_from(["abs", "sqrt", "log", "exp", "floor", "-"]), inner).map("{0[0]}({0[1]})".format),
        st.tuples(inner, st.integers(0, 3)).map("round({0[0]}, {0[1]})".format),
        st.tuples(st.sampled_from(["min", "max", "coalesce"]), inner, inner).map("{0[0]}({0[1]}, {0[2]})".format),
        st.tuples(truths(schema, depth - 1), inner, inner).map("if({0[0]}, {0[1]}, {0[2]})".format),
        texts(schema, depth - 1).map("length({})".format),
        truths(schema, depth - 1).map("number({})".format),
        st.tuples(st.sampled_from(["year", "quarter", "weekday", "hour"]), times(schema)).map("{0[0]}({0[1]})".format),
        st.tuples(times(schema), times(schema)).map("days({0[0]}, {0[1]})".format),
    )


def truths(schema: Schema, depth: int = 1) -> Texts:
    leaf = columns(schema, ("boolean",)) | st.sampled_from(["true", "false", "missing"])
    if not depth:
        return leaf
    inner = truths(schema, depth - 1)
    compared = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from(["and", "or", "=", "!="]), inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("(not {})".format),
        *(
            st.tuples(kind, compared, kind).map("({0[0]} {0[1]} {0[2]})".format)
            for kind in (numbers(schema, depth - 1), texts(schema, depth - 1), times(schema))
        ),
        numbers(schema, depth - 1).map("isnull({})".format),
        st.tuples(texts(schema, depth - 1), st.sampled_from(["", "a", "北"])).map('contains({0[0]}, "{0[1]}")'.format),
        st.tuples(texts(schema, depth - 1), texts(schema, 0)).map("oneof({0[0]}, {0[1]}, 'b')".format),
    )


def texts(schema: Schema, depth: int = 1) -> Texts:
    leaf = columns(schema, ("text",)) | st.sampled_from(["'Zürich'", '"\\"x"', "''"])
    if not depth:
        return leaf
    inner = texts(schema, depth - 1)
    return st.one_of(
        leaf,
        st.tuples(st.sampled_from(["lower", "upper", "trim"]), inner).map("{0[0]}({0[1]})".format),
        st.tuples(inner, inner).map("concat({0[0]}, {0[1]})".format),
        inner.map('replace({}, "a", "$1")'.format),
        columns(schema, ("integer",), "7").map("text({})".format),
        st.tuples(truths(schema, depth - 1), inner).map("if({0[0]}, {0[1]}, missing)".format),
    )


def times(schema: Schema) -> Texts:
    return columns(schema, ("date", "datetime"), "date('1969-12-31')")


def columns(schema: Schema, types: tuple[str, ...], otherwise: str = "missing") -> Texts:
    """One of the columns of these types, in backticks."""
    found = [f"`{column.name}`" for column in schema if column.type in types and "`" not in column.name]
    return st.sampled_from(found or [otherwise])
