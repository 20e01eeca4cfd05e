"""A session only ever goes from one true state to another, and a refusal leaves it as it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.kernels import filters_of, kernel, random_weight
from convtui.engine.spec import SpecError
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session, Zoom
from tests.support.example_sessions import (
    Change,
    applied,
    changes,
    counting,
    lesson,
    moves,
    own,
    picture_of,
    session_on,
    sessions,
    step_of,
    stepped_sessions,
)

ONES = np.ones((1, 1, 2, 2))


def small() -> Session:
    """Two filters of 2x2 over a 3x4 image: an output of 2x2x3."""
    return own([ONES[0], 2 * ONES[0]], counting(1, 3, 4))


def place(session: Session) -> tuple[int, int | None, int]:
    return session.index, session.taps, session.filled


def fingerprint(session: Session) -> tuple[Any, ...]:
    """All that a change could have touched."""
    convolution = session.convolution
    bias = None if convolution.bias is None else convolution.bias.tobytes()
    numbers = session.picture.pixels.tobytes(), convolution.weight.tobytes(), bias
    operation = str(session.layer), session.way
    return (*place(session), numbers, convolution.spec, operation, session.kernel, session.view, session.path)


def assert_is_true(session: Session) -> None:
    """Everything the session says of itself holds."""
    convolution = session.convolution
    assert 0 <= session.index < session.filled <= session.size == convolution.output.size
    assert session.taps is None or 0 <= session.taps <= session.products == step_of(session).products.size
    assert step_of(session).value == convolution.output[session.position]
    assert convolution.index(*session.position) == session.index
    np.testing.assert_array_equal(session.picture.pixels, convolution.image)
    assert session.channel == convolution.channels_read(session.position[0])[session.slice]
    if session.taps:
        assert session.slice == step_of(session).multiply_adds[session.taps - 1].slice
        assert not session.own_colours
    filters, slices, *size = convolution.weight_shape
    if session.kernel.named:
        name, seed = session.kernel.name, session.kernel.seed
        expected = kernel(name, size, in_channels=slices, filters=filters, seed=seed)
        if each := session.kernel.kernels:
            made = filters_of(each, size, in_channels=slices, seed=seed)
            expected = made[np.arange(filters) % len(each)]
        np.testing.assert_array_equal(convolution.weight, expected)
    assert (session.kernel.filters or 0) <= filters


@given(stepped_sessions(), st.lists(moves() | changes(), max_size=8))
def test_every_state_is_true_and_refusals_touch_nothing(session: Session, path: list[Change]) -> None:
    assert_is_true(session)
    for change in path:
        before = fingerprint(session)
        try:
            changed = change(session)
        except (ValueError, IndexError):
            changed = session
        assert fingerprint(session) == before
        session = changed
        assert_is_true(session)


@given(stepped_sessions(), st.lists(moves(), max_size=8))
def test_steps_never_fail_nor_change_a_number(session: Session, path: list[Change]) -> None:
    stepped = applied(session, *path)
    assert stepped.convolution is session.convolution
    assert stepped.picture is session.picture
    assert stepped.kernel is session.kernel


# -- stepping


def test_starts_at_the_first_cell() -> None:
    session = lesson()
    assert place(session) == (0, None, 1)
    assert session.position == (0, 0, 0)
    assert session.size == 28 * 28
    assert session.products == 9


@pytest.mark.parametrize(
    ("change", "index"),
    [
        (lambda s: s.moved(1), 1),
        (lambda s: s.moved(-1), 0),
        (lambda s: s.moved(3), 3),
        (lambda s: s.moved(99), 11),
        (lambda s: s.at(6).moved(-99), 0),
        (lambda s: s.at(-4), 0),
        (lambda s: s.at(12), 11),
        (lambda s: s.at(1).moved_rows(1), 4),
        (lambda s: s.at(1).moved_rows(9), 4),
        (lambda s: s.at(4).moved_rows(-1), 1),
        (lambda s: s.at(8).moved_rows(-9), 8),
        (lambda s: s.at(4).moved_channels(1), 10),
        (lambda s: s.at(10).moved_channels(1), 10),
        (lambda s: s.at(10).moved_channels(-9), 4),
    ],
)
def test_moves_stop_at_the_ends(change: Change, index: int) -> None:
    assert change(small()).index == index


@given(stepped_sessions(), st.integers(-9, 9))
def test_rows_and_channels_keep_the_rest_of_the_position(session: Session, by: int) -> None:
    o, r, c = session.position
    channels, rows, _ = session.convolution.output_shape
    assert session.moved_rows(by).position == (o, np.clip(r + by, 0, rows - 1), c)
    assert session.moved_channels(by).position == (np.clip(o + by, 0, channels - 1), r, c)


def test_what_was_computed_stays_computed_until_restarted() -> None:
    session = small().at(7).at(2)
    assert place(session) == (2, None, 8)
    assert place(session.moved(1)) == (3, None, 8)
    assert place(session.finished()) == (2, None, 12)
    assert place(session.finished().restarted()) == (0, None, 1)


def test_a_finished_cell_has_no_taps_left() -> None:
    assert small().multiply_added(2).finished().taps is None
    assert small().multiply_added(2).restarted().taps is None
    assert small().multiply_added(2).moved(1).taps is None


def test_multiply_adds_go_on_into_the_next_cell_and_back() -> None:
    session = small()
    forward = [place(session := session.multiply_added())[:2] for _ in range(6)]
    assert forward == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (1, 2)]
    back = [place(session := session.multiply_added(-1))[:2] for _ in range(6)]
    assert back == [(1, 1), (0, 4), (0, 3), (0, 2), (0, 1), (0, 0)]
    assert place(session.multiply_added(-1)) == (0, 0, 2)


def test_a_cell_computed_at_once_is_begun_anew_or_gone_back_into() -> None:
    assert place(small().at(3).multiply_added())[:2] == (3, 1)
    assert place(small().at(3).multiply_added(-1))[:2] == (3, 3)


def test_multiply_adds_stop_at_both_ends() -> None:
    assert place(small().at(11, taps=4).multiply_added()) == (11, 4, 12)
    assert place(small().at(11, taps=3).multiply_added(99)) == (11, 4, 12)
    assert place(small().at(1, taps=2).multiply_added(-99))[:2] == (0, 0)


@given(sessions(), st.data())
def test_multiply_adds_are_counted_over_all_cells(session: Session, data: st.DataObject) -> None:
    inside = session.at(
        data.draw(st.integers(0, session.size - 1)), data.draw(st.integers(0, session.products))
    )
    count = data.draw(st.integers(-50, 50))
    moved = inside.multiply_added(count)
    assert done(moved) == np.clip(done(inside) + count, 0, session.size * session.products)
    assert moved.taps or not moved.index


def done(session: Session) -> int:
    """All multiply-adds up to here."""
    assert session.taps is not None
    return session.index * session.products + session.taps


@given(sessions())
def test_the_slice_on_show_is_the_one_being_computed(session: Session) -> None:
    per_slice = session.products // session.convolution.weight_shape[1]
    shown = [session.at(0, taps).slice for taps in range(1, session.products + 1)]
    assert shown == [tap // per_slice for tap in range(session.products)]


def test_the_channel_follows_the_group_of_the_filter() -> None:
    session = own(np.ones((4, 2, 1, 1)), counting(4, 2, 2), groups=2)
    assert [session.moved_channels(o).channel for o in range(4)] == [0, 0, 2, 2]
    assert [session.with_view(slice=1).moved_channels(o).channel for o in range(4)] == [1, 1, 3, 3]


def test_a_colour_picture_shows_its_own_colours_until_a_channel_is_chosen_or_computed() -> None:
    session = session_on("cat-32")
    assert session.own_colours
    assert not session.with_view(slice=0).own_colours
    assert not session.multiply_added().own_colours
    assert not lesson().own_colours


# -- changing


def test_the_window_stays_on_the_image_when_the_spec_changes() -> None:
    session = lesson(padding=0).at(26 * 10 + 12)
    assert session.position == (0, 10, 12)
    assert session.with_spec(padding=1).position == (0, 11, 13)
    assert session.with_spec(stride=2).position == (0, 5, 6)
    assert session.with_spec(stride=3).position == (0, 3, 4)
    assert session.with_spec(dilation=2).position == (0, 10, 12)
    assert session.with_kernel_size(5).position == (0, 10, 12)


@given(stepped_sessions(), changes())
def test_the_window_starts_where_it_did_or_at_the_nearest_start_before(
    session: Session, change: Change
) -> None:
    try:
        changed = change(session)
    except (ValueError, IndexError):
        return
    if changed.convolution is session.convolution or changed.picture.name != session.picture.name:
        return
    axes = changed.convolution.axes
    was, now = (at.window_start for at in (session, changed))
    for axis, before, after in zip(axes, was, now, strict=True):
        starts = [at * axis.stride - axis.before for at in range(axis.output)]
        assert after == max((start for start in starts if start <= before), default=starts[0])


def test_a_finished_output_stays_finished_and_a_begun_one_goes_on_from_the_window() -> None:
    session = lesson().at(500).at(30)
    assert session.with_spec(stride=2).filled == session.with_spec(stride=2).index + 1
    finished = session.finished().with_spec(stride=2)
    assert finished.filled == finished.size == 14 * 14
    assert session.multiply_added().with_spec(stride=2).taps is None


def test_groups_make_the_filters_fit() -> None:
    session = session_on("cat-32")
    assert session.convolution.weight_shape == (1, 3, 3, 3)
    grouped = session.with_groups(3)
    assert grouped.convolution.weight_shape == (3, 1, 3, 3)
    assert grouped.with_groups(1).convolution.weight_shape == (1, 3, 3, 3)
    assert session_on("cat-32", "edges").with_groups(3).convolution.weight_shape == (6, 1, 3, 3)


def test_own_weights_keep_the_slices_of_the_channels_that_a_group_reads() -> None:
    session = own(np.arange(8.0).reshape(2, 4, 1, 1), counting(4, 2, 2))
    grouped = session.with_groups(2)
    np.testing.assert_array_equal(grouped.convolution.weight[..., 0, 0], [[0, 1], [6, 7]])


def test_the_bias_goes_along_with_the_filters() -> None:
    session = session_on("count-5x5").with_bias_value(0, 2.0).with_filters(3)
    assert session.convolution.bias is not None
    assert session.convolution.bias.tolist() == [2, 2, 2]
    fewer = session.with_bias_value(1, -1.0).with_filters(2).convolution
    assert fewer.bias is not None
    assert fewer.bias.tolist() == [2, -1]


def test_the_first_bias_set_makes_the_others_zero() -> None:
    session = session_on("count-5x5", filters=3)
    assert session.convolution.bias is None
    biased = session.with_bias_value(1, 0.5)
    assert biased.convolution.bias is not None
    assert biased.convolution.bias.tolist() == [0, 0.5, 0]


def test_a_named_kernel_is_made_anew_at_another_size_and_own_weights_grow_by_zeros() -> None:
    named = lesson().with_kernel_size(5)
    np.testing.assert_array_equal(named.convolution.weight, kernel("top-edge", 5))
    mine = own([[[[1, 2], [3, 4]]]], counting())
    assert mine.with_kernel_size((3, 1)).convolution.weight.tolist() == [[[[1], [3], [0]]]]
    assert mine.with_kernel_size((1, 3)).convolution.weight.tolist() == [[[[1, 2, 0]]]]


def test_a_kernel_is_chosen_at_the_present_size_or_the_nearest_it_has() -> None:
    session = lesson().with_kernel(KernelChoice("box-blur"), 4)
    assert session.spec.kernel_size == (4, 4)
    assert session.with_kernel(KernelChoice("gaussian-blur")).spec.kernel_size == (4, 4)
    assert session.with_kernel(KernelChoice("laplacian")).spec.kernel_size in ((3, 3), (5, 5))
    assert session.with_kernel(KernelChoice("laplacian"), 7).spec.kernel_size == (7, 7)


def test_a_weight_set_by_hand_makes_the_kernel_ones_own() -> None:
    session = lesson().with_weight_value(0, 0, 1, 2, 0.25)
    assert session.convolution.weight[0, 0, 1, 2] == 0.25
    assert session.kernel.label == "top-edge (custom)"
    assert lesson().convolution.weight[0, 0, 1, 2] == 0


def test_one_slice_of_weights_serves_every_channel() -> None:
    weight = np.array([[[[0.5, -1.0]]], [[[1.0, 2.0]]]])
    session = session_on("cat-32").with_weight(weight, "mine.txt")
    np.testing.assert_array_equal(session.convolution.weight, weight.repeat(3, axis=1))
    assert (session.kernel.label, session.kernel.filters) == ("mine.txt (custom)", 2)


def test_a_pixel_set_by_hand_is_read_by_the_convolution_and_the_scale_stays() -> None:
    session = lesson().with_pixel_value(0, 3, 4, -2.0)
    assert session.convolution.image[0, 3, 4] == session.picture.pixels[0, 3, 4] == -2
    assert (session.picture.lowest, session.picture.highest) == (0, 1)
    assert lesson().picture.pixels[0, 3, 4] == 0


def test_another_picture_begins_at_its_first_cell_under_the_same_kernel_and_spec() -> None:
    session = lesson(stride=2).with_bias_value(0, 1.0).at(40)
    session = session.with_view(zoom=Zoom.BLOCKS, hints=False, slice=0)
    fresh = session.with_picture(session_on("cat-32").picture)
    assert place(fresh) == (0, None, 1)
    assert fresh.spec == session.spec
    assert fresh.convolution.bias is not None
    assert fresh.convolution.bias.tolist() == [1]
    np.testing.assert_array_equal(fresh.convolution.weight, kernel("top-edge", in_channels=3))
    assert (fresh.view.zoom, fresh.view.hints, fresh.view.slice) == (Zoom.BLOCKS, False, None)


def test_own_weights_that_are_alike_in_all_slices_fit_another_number_of_channels() -> None:
    alike = own(ONES, counting()).with_picture(counting(3))
    assert alike.convolution.weight_shape == (1, 3, 2, 2)
    different = own([[[[1.0]], [[2.0]]]], counting(2))
    with pytest.raises(SpecError, match="slices"):
        different.with_picture(counting(3))


def test_looking_changes_no_figure() -> None:
    session = lesson().at(5, 3)
    looked = session.with_view(zoom=Zoom.HALF_BLOCKS, slice=0, hints=False)
    assert place(looked) == place(session)
    assert looked.convolution is session.convolution


def test_starting_fits_a_named_kernel_to_channels_and_groups() -> None:
    assert session_on("cat-32", groups=3).convolution.weight_shape == (3, 1, 3, 3)
    assert session_on("cat-32", "edges", filters=5, groups=1).convolution.weight_shape == (5, 3, 3, 3)


def test_the_file_stays_with_the_session_but_not_with_another_picture() -> None:
    session = replace(lesson(), path=Path("lesson.toml"))
    assert session.moved(3).with_spec(stride=2).path == Path("lesson.toml")
    assert session.with_picture(counting()).path is None


def test_more_own_filters_stay_in_their_groups() -> None:
    weight = np.arange(4.0).reshape(4, 1, 1, 1)
    session = own(weight, picture_of(np.ones((2, 3, 3))), groups=2).with_bias(np.arange(4.0))
    more, fewer = session.with_filters(6), session.with_filters(2)
    drawn = random_weight((2, 3, 1, 1, 1))[:, 2].ravel()
    assert more.convolution.weight.ravel().tolist() == [0, 1, drawn[0], 2, 3, drawn[1]]
    assert more.convolution.bias is not None
    assert more.convolution.bias.tolist() == [0, 1, 0, 2, 3, 2]
    assert fewer.convolution.weight.ravel().tolist() == [0, 2]


# -- different filters


def test_each_filter_added_is_the_next_named_kernel() -> None:
    session = session_on("cat-32").with_filters(2).with_filters(4)
    assert session.filter_names == ("top-edge", "bottom-edge", "left-edge", "right-edge")
    assert session.kernel.label == "top-edge + 3 others"
    weight = session.convolution.weight
    np.testing.assert_array_equal(weight, filters_of(session.filter_names, 3, in_channels=3))
    fewer = session.with_filters(2)
    assert fewer.kernel.label == "top-edge + bottom-edge"
    assert fewer.with_filters(1).kernel.label == "top-edge"


def test_filters_are_added_to_and_taken_from_a_kernel_that_has_several() -> None:
    edges = session_on("count-5x5", "edges")
    assert edges.with_filters(5).kernel.label == "edges + identity"
    assert edges.with_filters(3).kernel.label == "3 of edges"
    np.testing.assert_array_equal(edges.with_filters(3).convolution.weight, edges.convolution.weight[:3])
    assert edges.with_filters(3).with_filters(4).kernel.label == "edges"


@pytest.mark.parametrize("size", [3, 2, 4, 5])
def test_no_filter_is_there_twice(size: int) -> None:
    session = session_on("mnist-7", size=size)
    session = session.with_filters(20)
    filters = {weight.tobytes() for weight in session.convolution.weight}
    assert len(filters) == 20
    assert "random" in session.filter_names


def test_every_group_gets_the_same_number_of_other_filters() -> None:
    session = session_on("cat-32", "sobel-x", groups=3).with_filters(6)
    assert session.filter_names == ("sobel-x", "sobel-y") * 3
    assert session.kernel.label == "sobel-x + sobel-y"
    assert session.with_filters(3).filter_names == ("sobel-x",) * 3


def test_own_weights_get_random_filters_and_keep_their_own() -> None:
    session = own(ONES, counting())
    more = session.with_filters(3)
    assert more.convolution.weight[0].tolist() == np.array(ONES)[0].tolist()
    np.testing.assert_array_equal(more.convolution.weight[1:], random_weight((3, 1, 2, 2))[1:])
    assert more.with_filters(1).convolution.weight.tolist() == np.array(ONES).tolist()


def test_filters_added_keep_their_kernels_at_another_size_or_image() -> None:
    session = session_on("cat-32").with_filters(3)
    assert session.with_kernel_size(5).filter_names == session.filter_names
    assert session.with_picture(counting()).filter_names == session.filter_names
    with pytest.raises(SpecError, match="sharpen does not come in this size"):
        session_on("count-5x5", "gaussian-blur").with_filters(2).with_kernel_size(4)


# -- where the output cell goes


@given(stepped_sessions(), changes())
def test_a_notice_says_when_the_window_has_moved(session: Session, change: Change) -> None:
    try:
        changed = change(session)
    except (ValueError, IndexError):
        return
    if changed.convolution is session.convolution or changed.picture is not session.picture:
        return
    is_first = session.index == changed.index == 0
    moved = changed.window_start != session.window_start or changed.position[0] != session.position[0]
    assert bool(changed.went) == (moved and not is_first)
    if changed.went:
        assert changed.went.endswith(f"now at {list(changed.position)}")


def test_the_notice_names_the_setting() -> None:
    last = lesson().at(28 * 28 - 1)
    assert last.with_spec(stride=2).went == (
        "no window lies where that of [0, 27, 27] was, at stride 2; now at [0, 13, 13]"
    )
    assert last.with_spec(padding=0).went == (
        "no window lies where that of [0, 27, 27] was, at padding 0; now at [0, 25, 25]"
    )
    assert last.with_kernel_size(5).went == (
        "no window lies where that of [0, 27, 27] was, at kernel size 5; now at [0, 25, 25]"
    )
    inside = lesson().at(28 * 9 + 12)
    assert inside.with_spec(padding=2).went == ""
    assert inside.with_spec(padding=2).position == (0, 10, 13)
    edges = session_on("mnist-7", "edges").moved_channels(3)
    assert edges.with_filters(3).went == "filter 3 does not exist any more; now at [2, 0, 0]"


# -- where the app starts


def test_the_start_is_the_first_cell_with_something_to_see() -> None:
    session = lesson().at_something_to_see()
    output = np.abs(session.convolution.output[0]).ravel()
    assert output[session.index] >= output.max() * 0.75
    assert (output[: session.index] < output.max() * 0.75).all()
    assert session.filled == session.index + 1


def test_where_nothing_is_to_be_seen_the_start_is_the_first_cell() -> None:
    assert session_on(picture_of(np.zeros((1, 9, 9)))).at_something_to_see().index == 0
    large = session_on(picture_of(np.eye(4096)[None]))
    assert large.at_something_to_see().index == 0
