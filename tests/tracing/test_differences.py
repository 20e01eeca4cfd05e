"""Which rows differ after a file was run again."""

from convtui.engine.graph.operation import Failure, Graph, Op, Parameter, Tensor
from convtui.tracing.differences import differences


def op(number: int, kind: str, path: str = "", shape: tuple[int, ...] = (1, 4, 8, 8), **settings: int) -> Op:
    return Op(
        number, kind, (Tensor(shape, "float32"),), path=path, settings=settings, line=f"net.py:{number}"
    )


def graph(*ops: Op, failed: bool = False) -> Graph:
    numbered = tuple(each._replace(number=number) for number, each in enumerate(ops))
    return Graph(numbered, failure=Failure("no") if failed else None)


INPUT, CONV, RELU, FC = op(0, "input"), op(1, "conv2d", "conv"), op(2, "relu"), op(3, "linear", "fc", (1, 10))


def test_what_is_the_same_on_other_lines_does_not_differ() -> None:
    moved = CONV._replace(line="net.py:99", code="x = self.conv(x)  # here")
    told = differences(graph(INPUT, CONV, FC), graph(INPUT, moved, FC))
    assert (told.rows, told.told) == (frozenset(), "no row differs")


def test_rows_of_other_shapes_differ() -> None:
    wide = op(1, "conv2d", "conv", (1, 4, 9, 9))
    told = differences(graph(INPUT, CONV, RELU, FC), graph(INPUT, wide, RELU, op(3, "linear", "fc", (1, 9))))
    assert told.rows == {1, 3}
    assert told.told == "2 rows differ: 1 conv (1x4x8x8, now 1x4x9x9), 3 fc"


def test_what_is_different_of_the_first_row_is_told() -> None:
    strided = CONV._replace(settings={"stride": 2})
    told = differences(graph(INPUT, CONV), graph(INPUT, strided)).told
    assert told == "1 row differs: 1 conv (conv2d, now conv2d s2)"
    halved = CONV._replace(outputs=(Tensor((1, 4, 8, 8), "float16"),))
    assert differences(graph(INPUT, CONV), graph(INPUT, halved)).told.endswith("(float32, now float16)")
    biased = CONV._replace(parameters=(Parameter("conv.bias", (4,)),))
    assert differences(graph(INPUT, CONV), graph(INPUT, biased)).told.endswith("(none, now bias 4)")


def test_a_row_that_is_added_makes_no_others_differ() -> None:
    told = differences(graph(INPUT, CONV, FC), graph(INPUT, CONV, RELU, FC))
    assert (told.rows, told.gone, told.told) == (frozenset({2}), 0, "1 row differs: 2 relu")


def test_rows_that_are_gone_are_counted() -> None:
    told = differences(graph(INPUT, CONV, RELU, FC), graph(INPUT, FC))
    assert (told.rows, told.gone, told.told) == (frozenset(), 2, "2 rows are gone")


def test_a_pass_that_fails_or_goes_through_now_is_told_first() -> None:
    whole, failed = graph(INPUT, CONV, FC), graph(INPUT, CONV, failed=True)
    assert differences(failed, whole).told == "the pass goes through now; 1 row differs: 2 fc"
    assert differences(whole, failed).told == "the pass fails now; 1 row is gone"


def test_only_some_are_named() -> None:
    rows = [op(number, "relu") for number in range(7)]
    told = differences(graph(INPUT), graph(INPUT, *rows)).told
    assert told == "7 rows differ: 1 relu, 2 relu, 3 relu, 4 relu, 3 more"
