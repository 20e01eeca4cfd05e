"""ConvSpec accepts, refuses and explains what PyTorch accepts and refuses."""

import ast
import pickle
import re
from math import floor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from convtui.engine.spec import Axis, ConvSpec, SpecError
from tests.engine.cases import Case, cases, legal_cases

four_sides = ((1, 2), (3, 4))


@pytest.mark.parametrize(
    ("given", "normalised"),
    [
        ({"kernel_size": 3}, {"kernel_size": (3, 3), "stride": (1, 1), "padding": ((0, 0), (0, 0))}),
        ({"kernel_size": [3, 2], "stride": (2, 1)}, {"kernel_size": (3, 2), "stride": (2, 1)}),
        ({"kernel_size": np.int64(3), "dilation": 2}, {"kernel_size": (3, 3), "dilation": (2, 2)}),
        ({"kernel_size": 3, "padding": 2}, {"padding": ((2, 2), (2, 2)), "pads": ((2, 2), (2, 2))}),
        ({"kernel_size": 3, "padding": (2, 1)}, {"padding": ((2, 2), (1, 1))}),
        ({"kernel_size": 3, "padding": [[1, 2], [3, 4]]}, {"padding": four_sides, "pads": four_sides}),
        ({"kernel_size": 3, "padding": "valid"}, {"padding": "valid", "pads": ((0, 0), (0, 0))}),
        ({"kernel_size": (2, 4), "padding": "same"}, {"padding": "same", "pads": ((0, 1), (1, 2))}),
        ({"kernel_size": 2, "dilation": 3, "padding": "same"}, {"pads": ((1, 2), (1, 2))}),
    ],
)
def test_parameters_are_normalised(given: dict[str, Any], normalised: dict[str, Any]) -> None:
    spec = ConvSpec(**given)
    assert {name: getattr(spec, name) for name in normalised} == normalised


def test_equal_specs_however_written() -> None:
    written = {
        ConvSpec(3, padding=1),
        ConvSpec((3, 3), 1, [1, 1]),
        ConvSpec([3, 3], padding=((1, 1), (1, 1))),
    }
    assert len(written) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_size": 0}, "kernel_size=0: must be at least 1; nearest legal: 1"),
        ({"kernel_size": 3.0}, "kernel_size=3.0: must be whole numbers"),
        ({"kernel_size": "3"}, "kernel_size='3': must be whole numbers"),
        ({"kernel_size": None}, "kernel_size=None: must be whole numbers"),
        ({"kernel_size": ((3, 3), 3)}, "kernel_size=((3, 3), 3): must be whole numbers"),
        ({"kernel_size": (3, 3, 3)}, "kernel_size=(3, 3, 3): must be one number or a pair (rows, columns)"),
        ({"stride": 0}, "stride=0: must be at least 1; nearest legal: 1"),
        ({"stride": (2, -1)}, "stride=(2, -1): must be at least 1; nearest legal: (2, 1)"),
        ({"stride": True}, "stride=True: must be whole numbers"),
        ({"stride": (np.True_, 1)}, "stride=(np.True_, 1): must be whole numbers"),
        ({"stride": 2**63}, f"stride={2**63}: must be at most {2**63 - 1}; nearest legal: {2**63 - 1}"),
        ({"dilation": []}, "dilation=[]: must be one number or a pair (rows, columns)"),
        ({"padding": -1}, "padding=-1: must be at least 0; nearest legal: 0"),
        (
            {"padding": ((0, 1), (2, -3))},
            "padding=((0, 1), (2, -3)): must be at least 0; nearest legal: ((0, 1), (2, 0))",
        ),
        ({"padding": ((0, 1), 2)}, "padding=((0, 1), 2): four sides must be ((top, bottom), (left, right))"),
        (
            {"padding": ((0, 1, 2), (3,))},
            "padding=((0, 1, 2), (3,)): four sides must be ((top, bottom), (left, right))",
        ),
        ({"padding": (("a", "b"), ("c", "d"))}, "padding=(('a', 'b'), ('c', 'd')): must be whole numbers"),
        (
            {"padding": "full"},
            "padding='full': must be numbers, 'same', 'valid' or 'same-tf';"
            " nearest legal: 'same', 'valid' or 'same-tf'",
        ),
        ({"padding": 2**21}, f"padding={2**21}: adds {2**21} on one side; nearest legal: at most {2**20}"),
        (
            {"kernel_size": 2, "stride": 2, "padding": "same"},
            "padding='same': needs stride 1, but stride is 2;"
            " nearest legal: stride 1, or padding ((0, 1), (0, 1))",
        ),
        ({"groups": 0}, "groups=0: must be at least 1; nearest legal: 1"),
        ({"groups": (1, 1)}, "groups=(1, 1): must be whole numbers"),
        (
            {"padding_mode": "mirror"},
            "padding_mode='mirror': unknown padding mode;"
            " nearest legal: 'zeros', 'reflect', 'replicate' or 'circular'",
        ),
    ],
)
def test_refusals_say_what_and_why(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as refusal:
        ConvSpec(**{"kernel_size": 3, **changes})
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("error", "plain"),
    [
        (SpecError("dilation", 0, "must be at least 1", "1"), "dilation 0: must be at least 1"),
        (
            SpecError("stride", (0, 2), "must be at least 1", "(1, 2)"),
            "stride (0, 2): must be at least 1; nearest legal: (1, 2)",
        ),
        (SpecError("go to", "8,12", "there is no row 8"), "go to 8,12: there is no row 8"),
        (SpecError("groups", 3, "must divide 4", "2 or 4"), "groups 3: must divide 4; nearest legal: 2 or 4"),
    ],
)
def test_refusals_in_plain_words(error: SpecError, plain: str) -> None:
    assert error.plain == plain


@pytest.mark.parametrize("name", ["kernel_size", "stride", "dilation"])
def test_a_pair_is_named_only_where_the_two_differ(name: str) -> None:
    for pair, shown in ((0, 0), "0"), ((0, 2), "(0, 2)"):
        parameters: dict[str, Any] = {"kernel_size": 3, name: pair}
        with pytest.raises(SpecError) as caught:
            ConvSpec(**parameters)
        assert str(caught.value).startswith(f"{name}={shown}: must be at least 1; nearest legal: ")


@pytest.mark.parametrize(
    ("spec", "image_shape", "weight_shape", "message"),
    [
        (
            ConvSpec(3, groups=3),
            (4, 8, 8),
            (4, 1, 3, 3),
            "groups=3: must divide the 4 input channels; nearest legal: 2 or 4",
        ),
        (
            ConvSpec(3, groups=4),
            (4, 8, 8),
            (6, 1, 3, 3),
            "groups=4: must divide the 6 output channels; nearest legal: 2",
        ),
        (
            ConvSpec(3, groups=2),
            (4, 8, 8),
            (4, 4, 3, 3),
            "groups=2: a filter needs 4/2 = 2 slices, not 4; nearest legal: 1",
        ),
        (
            ConvSpec(3),
            (4, 8, 8),
            (4, 3, 3, 3),
            "groups=1: a filter needs 4/1 = 4 slices, not 3; nearest legal: a weight of 4 slices",
        ),
        (
            ConvSpec(11),
            (1, 8, 8),
            (1, 1, 11, 11),
            "kernel_size=11: the window spans 11 rows but the padded image has only 8;"
            " nearest legal: kernel_size 8, or padding 2",
        ),
        (
            ConvSpec(3, dilation=(1, 5), padding_mode="reflect"),
            (1, 8, 8),
            (1, 1, 3, 3),
            "kernel_size=3: with dilation 5 the window spans 11 columns but the padded image has only 8;"
            " nearest legal: kernel_size (3, 2), or padding (0, 2), or dilation (1, 3)",
        ),
        (
            ConvSpec(3, padding=8, padding_mode="reflect"),
            (1, 8, 9),
            (1, 1, 3, 3),
            "padding=8: reflect padding must be less than the image's 8 rows;"
            " nearest legal: padding (7, 8), or padding_mode zeros",
        ),
        (
            ConvSpec(3, padding=((0, 9), (0, 0)), padding_mode="circular"),
            (1, 8, 9),
            (1, 1, 3, 3),
            "padding=((0, 9), (0, 0)): circular padding must be at most the image's 8 rows;"
            " nearest legal: padding ((0, 8), (0, 0)), or padding_mode zeros",
        ),
        (
            ConvSpec(3),
            (1, 8, 8),
            (1, 1, 5, 3),
            "kernel_size=3: does not match the weight; nearest legal: (5, 3)",
        ),
        (
            ConvSpec(3),
            (8, 8),
            (1, 1, 3, 3),
            "image=(8, 8): the shape must be [channels, rows, columns], each at least 1",
        ),
        (
            ConvSpec(3),
            (1, 8, 8),
            (0, 1, 3, 3),
            "weight=(0, 1, 3, 3): the shape must be [out_channels, in_channels/groups, rows, columns],"
            " each at least 1",
        ),
    ],
)
def test_misfits_say_what_and_why(
    spec: ConvSpec, image_shape: tuple[int, ...], weight_shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(SpecError) as refusal:
        spec.check(image_shape, weight_shape)
    assert str(refusal.value) == message


def changed(spec: dict[str, Any], change: str) -> dict[str, Any]:
    """The parameters after a change such as "kernel_size (3, 2) with padding 1"."""
    for part in change.split(" with "):
        name, value = part.split(" ", 1)
        spec = {**spec, name: value if name == "padding_mode" else ast.literal_eval(value)}
    return spec


@given(cases())
def test_nearest_legal_values_are_legal_for_the_image(case: Case) -> None:
    out_channels, slices, *kernel_size = case.weight.shape
    image_shape = (slices, *case.image.shape[1:])
    parameters = {"kernel_size": kernel_size, **case.parameters, "groups": 1}
    try:
        spec = ConvSpec(**parameters)
    except SpecError:
        assume(False)
    try:
        spec.check(image_shape, case.weight.shape)
    except SpecError as refusal:
        changes = refusal.legal.split(", or ")
    else:
        assume(False)
    for change in changes:
        better = ConvSpec(**changed(parameters, change))
        better.check(image_shape, (out_channels, slices, *better.kernel_size))


@given(cases())
def test_nearest_legal_values_are_accepted(case: Case) -> None:
    parameters = {"kernel_size": case.weight.shape[2:], **case.parameters}
    for _ in parameters:
        try:
            ConvSpec(**parameters)
        except SpecError as refusal:
            change = refusal.legal.split(", or ")[0]
            parameters = changed(
                parameters, change if change[0].isalpha() else f"{refusal.parameter} {change}"
            )
    ConvSpec(**parameters)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_nearest_legal_groups_are_legal(groups: int, in_channels: int, out_channels: int) -> None:
    assume(in_channels % groups or out_channels % groups)
    with pytest.raises(SpecError) as refusal:
        ConvSpec(1, groups=groups).check((in_channels, 1, 1), (out_channels, 1, 1, 1))
    assert refusal.value.parameter == "groups"
    for legal in map(int, refusal.value.legal.split(" or ")):
        ConvSpec(1, groups=legal).check((in_channels, 1, 1), (out_channels, in_channels // legal, 1, 1))


def test_error_survives_pickling() -> None:
    error = SpecError("stride", np.zeros((3, 3)), "must be at least 1", "1")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert "\n" not in str(error)
    assert (copy.parameter, copy.reason, copy.legal) == ("stride", "must be at least 1", "1")


def both_axes(case: Case) -> tuple[Axis, Axis]:
    return case.convolution.axes


@given(legal_cases())
def test_formula_is_true_in_every_part(case: Case) -> None:
    for axis in both_axes(case):
        parts = axis.formula.split(" = ")
        python = [re.sub("⌊(.*)⌋", r"floor(\1)", part).replace("−", "-").replace("·", "*") for part in parts]
        assert {eval(part, {"floor": floor}) for part in python} == {axis.output}
        assert ("⌊" in axis.formula) == (axis.remainder > 0)


def test_formula_as_written() -> None:
    rows, columns = ConvSpec(3, stride=(2, 1), padding=((1, 1), (0, 2)), dilation=(1, 2)).axes(28, 6)
    assert rows.formula == "⌊(28 + 1 + 1 − 1·(3 − 1) − 1) / 2⌋ + 1 = ⌊27 / 2⌋ + 1 = 13 + 1 = 14"
    assert columns.formula == "(6 + 0 + 2 − 2·(3 − 1) − 1) / 1 + 1 = 3 / 1 + 1 = 3 + 1 = 4"
    assert (rows.name, columns.name) == ("rows", "columns")


@given(legal_cases())
def test_remainder_is_what_can_be_cut_off(case: Case) -> None:
    for axis in both_axes(case):
        last_read = range(axis.padded)[axis.reads(axis.output - 1)][-1]
        assert axis.remainder == axis.padded - 1 - last_read
        assert axis.remainder < axis.stride


@given(legal_cases())
def test_sources_are_those_of_numpy_padding(case: Case) -> None:
    modes: dict[str, Any] = {
        "zeros": {"mode": "constant", "constant_values": -1},
        "reflect": {"mode": "reflect"},
        "replicate": {"mode": "edge"},
        "circular": {"mode": "wrap"},
    }
    for axis in both_axes(case):
        padded = np.pad(np.arange(axis.size), (axis.before, axis.after), **modes[axis.padding_mode])
        np.testing.assert_array_equal(axis.sources, padded)


@given(legal_cases())
def test_unused_are_the_pixels_without_gradient(case: Case) -> None:
    image = torch.tensor(case.image, requires_grad=True)
    Case(case.image, np.ones_like(case.weight), None, case.parameters).computed_by_torch(
        image
    ).sum().backward()
    assert image.grad is not None
    rows, columns = both_axes(case)
    is_used = np.ones(case.image.shape[1:], dtype=bool)
    is_used[list(rows.unused)] = False
    is_used[:, list(columns.unused)] = False
    np.testing.assert_array_equal(image.grad[0] != 0, is_used)


@given(legal_cases())
def test_outputs_reading_a_pixel_are_those_whose_reads_hit_it(case: Case) -> None:
    for axis in both_axes(case):
        hits = [set(axis.sources[axis.reads(i)].tolist()) for i in range(axis.output)]
        for pixel in range(axis.size):
            assert axis.outputs_reading(pixel).tolist() == [i for i, read in enumerate(hits) if pixel in read]
