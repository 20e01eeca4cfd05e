"""What the Matrix page says of poolings: shares and winners, and that nothing is trained."""

import pytest
from hypothesis import given, settings

from convtui.engine.words import counted
from convtui.pages.matrix.labels import figures, matrix_hint, pointed_words, row_words
from convtui.pages.matrix.shown import Pointed, is_mean, shown_in
from convtui.paint.matrix_cells import share
from convtui.state.session import Session
from tests.support.example_sessions import counting, own, session_on
from tests.support.operations import operation_sessions, stepping


def pooled(layer: str, image: str = "digit-8x8-3", **view: bool) -> Session:
    return stepping(session_on(image), layer).with_view(**view)


@settings(deadline=None)
@given(operation_sessions())
def test_rows_of_shares_are_what_the_hint_says(session: Session) -> None:
    shown = shown_in(session)
    if not is_mean(shown.operation):
        return
    rows = [shown.standing.row(i) for i in range(shown.standing.shape[0])]
    shares = {float(each.values[0]) for each in rows if each.values.size}
    assert all(len(set(each.values.tolist())) <= 1 for each in rows)
    hint = matrix_hint(session, 200)
    if "from" in hint:
        least, most = hint.split("from ")[1].split(";")[0].split(" to ")
        assert {least, most} >= {share(min(shares)), share(max(shares))} or len(shares) < 2
    else:
        assert share(shares.pop()) in hint
        assert not shares
        entries = max(session.operation.entries(i) for i in range(session.size))
        counts = {len(each.indices) for each in rows}
        assert (counts == {entries}) == ("minus those on padding" not in hint)
        assert counted(entries, "share") in hint


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (pooled("avgpool 2"), "each row has 4 shares of 1/4; dots: structural zeros"),
        (pooled("avgpool 3 s2 p1"), "each row has 9 shares of 1/9, minus those on padding; dots"),
        (pooled("adaptiveavgpool 3"), "each row has equal shares: from 1/16 to 1/9"),
        (pooled("adaptiveavgpool 1"), "the only row has 64 shares of 1/64"),
        (pooled("avgpool 2 divisor_override=3"), "4 shares of 1/3"),
        (
            pooled("maxpool 2"),
            "for this image: a 1 at the winner of each window, 0 where it reads",
        ),
        (pooled("maxpool 2", transposed=True), "a gradient goes back to the winners alone"),
        (pooled("avgpool 2", transposed=True), "a gradient is shared out as the mean was"),
        (pooled("maxpool 2", by_entry=True), "one colour, one place in the window: row,column"),
    ],
)
def test_the_sentence_of_a_pooling(session: Session, says: str) -> None:
    assert says in matrix_hint(session, 200)


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (pooled("avgpool 2").at(5), "row 5 · x = output[0, 1, 1] = 0  (4 shares of 1/4)"),
        (
            pooled("avgpool 3 s2 p1"),
            "row 0 · x = output[0, 0, 0] = 0.0625  (4 shares of 1/9; 5 more fall on padding)",
        ),
        (pooled("avgpool 3 s2 p1 count_include_pad=false"), "= 0.1406  (4 shares of 1/4)"),
        (pooled("avgpool 2", transposed=True), "column 0 spreads output[0, 0, 0] over 4 pixels: 1/4 to each"),
        (
            pooled("maxpool 2").at(1),
            "row 1 · x = output[0, 0, 1] = 1: its 1 is at image[0, 0, 3], the greatest of 4 pixels",
        ),
        (pooled("maxpool 2").at(5), "its 1 is at image[0, 2, 2], the first of 4 that are equally great"),
        (
            pooled("maxpool 2", transposed=True).at(1),
            "column 1 gives all of output[0, 0, 1] back to image[0, 0, 3]",
        ),
        (
            stepping(own([[[[1.0]]]], counting(rows=1, columns=1)), "maxpool 1x2 s1 p0x1 dilation=1x2"),
            "row 0 is empty: the window of output[0, 0, 0] has no pixel, and its maximum is -inf",
        ),
    ],
)
def test_the_line_of_a_step_of_a_pooling(session: Session, says: str) -> None:
    assert says in row_words(session)[0]


@pytest.mark.parametrize(
    ("session", "pointed", "says"),
    [
        (
            pooled("avgpool 2"),
            Pointed(0, 1),
            "M[0, 1] = 1/4 · image[0, 0, 1] -> output[0, 0, 0]; never trained; of a gradient there, 1/4",
        ),
        (
            pooled("avgpool 2", transposed=True),
            Pointed(0, 1),
            "Mᵀ[1, 0] = 1/4 · output[0, 0, 0] -> image[0, 0, 1]; never trained",
        ),
        (
            pooled("maxpool 2"),
            Pointed(1, 3),
            "M[1, 3] = 1: image[0, 0, 3] = 1 is the winner of output[0, 0, 1]; all of a gradient",
        ),
        (
            pooled("maxpool 2"),
            Pointed(1, 2),
            "M[1, 2] = 0: image[0, 0, 2] = 0.8125 is in the window of output[0, 0, 1] and does not win",
        ),
        (pooled("maxpool 2"), Pointed(1, 0), "a structural zero: this window does not read image[0, 0, 0]"),
    ],
)
def test_a_cell_of_a_pooling(session: Session, pointed: Pointed, says: str) -> None:
    assert says in pointed_words(session, pointed)[0]


def test_pixels_that_win_nowhere_are_counted() -> None:
    size, free, without = figures(pooled("maxpool 2"), 200)
    assert size.endswith("16 winners among 64 places in windows (6.25%)")
    assert "another image has another matrix" in free
    assert without == (
        "columns no window reads: 0; columns that are all zero: 48: pixels that win nowhere get no gradient"
    )
    size, free, without = figures(pooled("avgpool 3 s3"), 200)
    assert size.endswith("36 shares (14.1%)")
    assert "nothing is trained in an average" in free
    assert without == "columns no window reads: 28; columns that are all zero: 28"
