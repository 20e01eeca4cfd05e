"""Expressions: arithmetic over named figures; anything else is refused in one line, nothing is executed."""

import ast
import math
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.lessons.expressions import (
    LARGEST,
    LONGEST,
    ExpressionError,
    Value,
    evaluated,
    names_in,
    unknown_name,
)

KNOWN: Mapping[str, Value] = {
    "stride": 2,
    "half": 0.5,
    "image.shape": (1, 28, 28),
    "image.rows": 28,
    "kernel.name": "top-edge",
    "is_done": True,
    "layer": 3,
}


class Known:
    """A few figures, one of them with an index."""

    def value(self, name: str, index: tuple[int, ...] | None) -> Value:
        if name == "layer.field" and index is not None:
            return 10 * index[0]
        if name == "pixel" and index is not None:
            return sum(index)
        if name not in KNOWN or index is not None:
            raise unknown_name(name, KNOWN)
        return KNOWN[name]


def value(text: str) -> Value:
    return evaluated(text, Known())


def refusal(text: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        value(text)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 700
    return line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14", 14),
        ("-3", -3),
        ("0.5", 0.5),
        ("'top-edge'", "top-edge"),
        ("stride", 2),
        ("image.rows // stride + 1", 15),
        ("(image.rows + 2*1 - 3) // stride + 1", 14),
        ("image.rows / 8", 3.5),
        ("image.rows % 5", 3),
        ("2 ** 10", 1024),
        ("half - 1", -0.5),
        ("[1, 2*7, 14]", (1, 14, 14)),
        ("(1, 14)", (1, 14)),
        ("image.shape == (1, 28, 28)", True),
        ("1 < stride <= 2", True),
        ("1 < stride < 2", False),
        ("stride == 2 and not image.rows == 3", True),
        ("stride == 3 or is_done", True),
        ("kernel.name != 'top-edge'", False),
        ("min(stride, 1)", 1),
        ("max(image.shape)", 28),
        ("abs(-half)", 0.5),
        ("round(2.4)", 2),
        ("round(1/3, 2)", 0.33),
        ("floor(7/2)", 3),
        ("sqrt(9)", 3.0),
        ("sum(image.shape)", 57),
        ("len(image.shape)", 3),
        ("layer[4].field", 40),
        ("layer[stride].field", 20),
        ("pixel[0, 1 + 1, stride]", 4),
        ("  stride\n", 2),
    ],
)
def test_values(text: str, expected: Value) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_what_is_not_needed_is_not_worked_out() -> None:
    assert value("is_done or nothing") is True
    assert value("stride == 1 and nothing") is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strid", "strid: no such figure; did you mean stride?"),
        ("", "''.* not an expression, such as output.rows"),
        ("1 +", "not an expression"),
        ("stride = 3", "not an expression"),
        ("stride; stride", "not an expression"),
        ("'\\d'", "not an expression"),
        ("1if 1 else 2", "not an expression"),
        ("1 is 1", "only names of figures, numbers"),
        ("1 / 0", "cannot be worked out \\(division by zero\\)"),
        ("sqrt(-1)", "cannot be worked out"),
        ("'a' + 'b'", "arithmetic needs numbers"),
        ("'a' * 1000", "arithmetic needs numbers"),
        ("'a' < 1", "cannot be worked out"),
        ("max()", "cannot be worked out"),
        ("stride[0]", "stride: no such figure"),
        ("pixel['a']", "pixel\\[…\\]: an index is made of whole numbers"),
        ("pixel[0.5]", "an index is made of whole numbers"),
        ("pixel[True]", "an index is made of whole numbers"),
        ("pixel[0:1]", "only names of figures"),
        ("pixel[0][0]", "only names of figures"),
        ("(1, 'a')", "must be a number, a text, or a list of numbers"),
        ("((1, 2), 3)", "must be a number, a text, or a list of numbers"),
        ("(-8) ** 0.5", "must be a number"),
        ("1j", "only names of figures"),
        ("b'a'", "only names of figures"),
        ("...", "only names of figures"),
        ("None", "only names of figures"),
        ("~1", "only names of figures"),
        ("1 if stride else 2", "only names of figures"),
    ],
)
def test_refusals(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        value(text)
    refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('false')",
        "stride.__class__",
        "().__class__.__bases__",
        "image.shape.__class__",
        "min.__self__",
        "min(*image.shape)",
        "max(image.shape, key=len)",
        "exit()",
        "open('/etc/passwd')",
        "[x for x in image.shape]",
        "{x: 1 for x in image.shape}",
        "(lambda: 1)()",
        "f'{stride}'",
        "f'{().__class__}'",
        "(stride := 3)",
        "stride()",
        "(min)(1, 2)(3)",
        "await stride",
        "yield 1",
        "{1, 2}",
        "{}",
        "layer[4].field.real",
    ],
)
def test_nothing_else_is_worked_out(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9",
        "10 ** 64 ** 64",
        "(10 ** 6) ** 64 * (10 ** 6) ** 64",
        "2.5 ** 1000000",
        "1000001 ** 2",
        "round(1, -9999999999)",
        "round(1, 10 ** 10)",
        "floor(1e300)",
        "9" * 100,
        "*".join(["1000000"] * 40),
        "1e300 ** 64",
        "sum((1, 2), (3, 4))",
    ],
)
def test_what_would_take_for_ever_is_refused(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize(
    "text", ["(" * 300, "(" * 90 + "1" + ")" * 90 + "[", "x" * 9999, "[" * 99 + "]" * 99]
)
def test_long_and_deep_texts_are_refused(text: str) -> None:
    refusal(text)


def test_deep_ones_that_are_legal_are_worked_out() -> None:
    assert value("-" * 400 + "1") == 1
    assert value("stride" + "+1" * 200) == 202
    refusal("stride" + ".rows" * 90)


def test_the_longest() -> None:
    assert value("1+" * ((LONGEST - 1) // 2) + "1") == (LONGEST + 1) // 2
    assert refusal("1" + " " * LONGEST) == f"an expression may have at most {LONGEST} characters"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("output.rows - 2*padding", {"output.rows", "padding"}),
        ("layer[layers.count].field > 3", {"layer.field", "layers.count"}),
        ("min(run.steps, floor(3.5))", {"run.steps"}),
        ("pixel[0, at.row, 1]", {"pixel", "at.row"}),
        ("1 + 1", set()),
    ],
)
def test_names(text: str, names: set[str]) -> None:
    assert names_in(text) == names


_pieces = st.sampled_from(
    [
        *KNOWN,
        "pixel",
        "min",
        "round",
        "**",
        "//",
        *"+-*/%()[],.<>=:'\"{}@~ \n\\#0139je",
        " and ",
        " not ",
        "lambda ",
        "for",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(_pieces, max_size=25).map("".join)))
def test_any_text_has_a_value_or_is_refused_in_one_line(text: str) -> None:
    said = ""
    found: Value = 0
    try:
        found = value(text)
    except ExpressionError as error:
        said = str(error)
    assert said.isprintable()
    assert isinstance(found, int | float | str | tuple)
    assert not isinstance(found, int) or abs(found) <= LARGEST


BUILTINS = {"min": min, "max": max, "abs": abs}

_numbers = st.integers(-9, 9) | st.floats(-9, 9).map(lambda number: round(number, 3))


def _either(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sign = st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "<=", "==", "!=", ">=", ">"])
    return st.one_of(
        st.tuples(inner, sign, inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda parts: "{}({}, {})".format(*parts)
        ),
        inner.map(lambda text: f"-{text}"),
        inner.map(lambda text: f"abs({text})"),
    )


@given(st.recursive(_numbers.map(str), _either, max_leaves=8))
def test_values_are_those_of_python(text: str) -> None:
    try:
        expected = eval(
            compile(ast.parse(text, mode="eval"), "<test>", "eval"), {"__builtins__": {}}, BUILTINS
        )
    except ArithmeticError:
        refusal(text)
        return
    found = value(text)
    assert found == expected or (math.isnan(float(expected)) and math.isnan(float(str(found))))


def test_nothing_is_executed() -> None:
    seen: list[str] = []
    is_watching = True

    def watched(event: str, _: object) -> None:
        if is_watching and event in ("exec", "import", "open", "os.system", "subprocess.Popen"):
            seen.append(event)

    sys.addaudithook(watched)
    refusal("__import__('os').system('false') + 3")
    value("max(image.shape) + stride - 77 * half")
    is_watching = False
    assert not seen
