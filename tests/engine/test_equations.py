"""The equations are those of the article, and with numbers for letters they compute the output."""

import numpy as np
import pytest
from hypothesis import given

from convtui.engine.convolution import Convolution
from convtui.engine.equations import equations
from convtui.engine.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from convtui.engine.transposed import TransposedConvolution
from tests.engine.cases import Case, legal_cases
from tests.engine.test_pooling import PoolCase
from tests.engine.test_pooling import legal_cases as pool_cases
from tests.engine.test_transposed import TransposedCase
from tests.engine.test_transposed import legal_cases as transposed_cases


def test_the_equations_of_the_article() -> None:
    convolution = Convolution(np.zeros((1, 3, 3)), np.zeros((1, 1, 2, 2)), [0])
    lettered = equations(convolution)
    assert str(lettered).splitlines() == [
        "αA + βB + γD + δE + b = P",
        "αB + βC + γE + δF + b = Q",
        "αD + βE + γG + δH + b = R",
        "αE + βF + γH + δJ + b = S",
    ]
    assert (lettered.weights, lettered.pixels, lettered.outputs) == ("αβγδ", "ABCDEFGHJ", "PQRS")


def test_zero_padding_is_the_pixel_0() -> None:
    convolution = Convolution(np.zeros((1, 3, 3)), np.zeros((1, 1, 3, 3)), padding=1)
    lines = str(equations(convolution)).splitlines()
    assert lines[0] == "α0 + β0 + γ0 + δ0 + εA + ζB + η0 + θD + ιE = P"
    assert lines[4] == "αA + βB + γC + δD + εE + ζF + ηG + θH + ιJ = T"
    assert len(lines) == 9


def test_other_padding_repeats_a_pixel() -> None:
    convolution = Convolution(np.zeros((1, 1, 2)), [[[[1, 2, 3]]]], padding=(0, 1), padding_mode="replicate")
    assert str(equations(convolution)) == "αA + βA + γB = P\nαA + βB + γB = Q"


def test_each_filter_has_its_weights_and_its_bias() -> None:
    convolution = Convolution(np.zeros((2, 1, 1)), np.zeros((2, 2, 1, 1)), [0, 0])
    assert str(equations(convolution)) == "αA + βB + b₁ = P\nγA + δB + b₂ = Q"
    grouped = Convolution(np.zeros((2, 1, 1)), np.zeros((2, 1, 1, 1)), groups=2)
    assert str(equations(grouped)) == "αA = P\nβB = Q"


def test_outputs_follow_the_pixels_where_letters_are_short() -> None:
    lettered = equations(Convolution(np.zeros((1, 4, 4)), np.zeros((1, 1, 2, 2))))
    assert (lettered.pixels, lettered.outputs) == ("ABCDEFGHJKLMNPQR", "STUVWXYZO")
    lettered = equations(Convolution(np.zeros((1, 3, 3)), np.zeros((1, 1, 2, 2)), padding=1))
    assert (lettered.pixels, lettered.outputs) == ("ABCDEFGHJ", "KLMNPQRSTUVWXYZO")


@given(legal_cases())
def test_with_numbers_for_letters_they_compute_the_output(case: Case) -> None:
    convolution = case.convolution
    if case.weight.size > 24 or case.image.size + convolution.size > 25:
        with pytest.raises(ValueError, match="too many for"):
            equations(convolution)
        return
    lettered = equations(convolution)
    used = lettered.pixels + lettered.outputs
    assert len(set(used)) == len(used) == case.image.size + convolution.size
    assert len(set(lettered.weights)) == len(lettered.weights) == case.weight.size
    weights = dict(zip(lettered.weights, case.weight.ravel(), strict=True))
    pixels = dict(zip(lettered.pixels, case.image.ravel(), strict=True)) | {"0": 0.0}
    outputs = dict(zip(lettered.outputs, case.computed_by_torch().detach().numpy().ravel(), strict=True))
    biases = {"": 0.0} if case.bias is None else {"b": case.bias[0]}
    if len(case.weight) > 1 and case.bias is not None:
        biases = {f"b{'₁₂₃₄₅₆₇₈₉'[o]}": bias for o, bias in enumerate(case.bias)}
    assert "".join(equation.output for equation in lettered.equations) == lettered.outputs
    for equation in lettered.equations:
        total = sum(weights[term.weight] * pixels[term.pixel] for term in equation.terms)
        assert total + biases[equation.bias] == pytest.approx(outputs[equation.output], abs=1e-9)
        for term in equation.terms:
            assert lettered.weights[term.entry] == term.weight
            assert (lettered.pixels + "0")[term.input] == term.pixel


def test_the_equations_of_poolings() -> None:
    image = np.array([[[3.0, 1.0, 2.0], [0.0, 5.0, 2.0], [7.0, 2.0, 2.0]]])
    assert str(equations(avg_pool2d(image, 2, 1))).splitlines() == [
        "(A + B + D + E) / 4 = P",
        "(B + C + E + F) / 4 = Q",
        "(D + E + G + H) / 4 = R",
        "(E + F + H + J) / 4 = S",
    ]
    assert str(equations(max_pool2d(image, 2, 1))).splitlines() == [
        "max(A, B, D, E) = E = P",
        "max(B, C, E, F) = E = Q",
        "max(D, E, G, H) = G = R",
        "max(E, F, H, J) = E = S",
    ]
    assert str(equations(adaptive_avg_pool2d(image, 2))).startswith("(A + B + D + E) / 4 = P")


def test_padding_counts_in_a_mean_or_does_not_and_never_wins() -> None:
    image = np.array([[[3.0, 1.0]]])
    padding = (0, 1)
    assert str(equations(avg_pool2d(image, (1, 2), 2, padding))) == "(0 + A) / 2 = P\n(B + 0) / 2 = Q"
    uncounted = avg_pool2d(image, (1, 2), 2, padding, count_include_pad=False)
    assert str(equations(uncounted)) == "A / 1 = P\nB / 1 = Q"
    assert str(equations(max_pool2d(image, (1, 2), 2, padding))) == "max(A) = A = P\nmax(B) = B = Q"
    nowhere = max_pool2d(np.zeros((1, 1, 1)), (1, 2), 1, padding, dilation=(1, 2))
    assert str(equations(nowhere)) == "-inf = P"


def test_the_equations_of_a_transposed_convolution() -> None:
    transposed = TransposedConvolution(
        np.zeros((1, 1, 2)), [[[[1, 2, 3]]]], [0], stride=2, output_padding=(0, 1)
    )
    assert str(equations(transposed)).splitlines() == [
        "αA + b = P",
        "βA + b = Q",
        "γA + αB + b = R",
        "βB + b = S",
        "γB + b = T",
        "b = U",
    ]
    unbiased = TransposedConvolution(np.zeros((1, 1, 1)), [[[[1]]]], stride=2, output_padding=(0, 1))
    assert str(equations(unbiased)) == "αA = P\n0 = Q"


@given(transposed_cases)
def test_those_of_transposed_convolutions_compute_the_output(case: TransposedCase) -> None:
    transposed = case.ours
    if case.weight.size > 24 or case.image.size + transposed.size > 25:
        with pytest.raises(ValueError, match="too many for"):
            equations(transposed)
        return
    lettered = equations(transposed)
    for index, equation in enumerate(lettered.equations):
        total = sum(
            case.weight.ravel()[term.entry] * case.image.ravel()[term.input] for term in equation.terms
        )
        bias = 0.0 if case.bias is None else case.bias[transposed.position(index)[0]]
        assert total + bias == pytest.approx(transposed.step(index).value, abs=1e-9)


@given(pool_cases())
def test_those_of_poolings_compute_the_output(case: PoolCase) -> None:
    pooling = case.ours
    if case.image.size + pooling.size > 25:
        with pytest.raises(ValueError, match="too many for letters"):
            equations(pooling)
        return
    lettered = equations(pooling)
    numbers = dict(zip(lettered.pixels, case.image.ravel().tolist(), strict=True)) | {"0": 0.0}
    for equation, expected in zip(lettered.equations, case.expected.ravel().tolist(), strict=True):
        left, *winner, output = str(equation).split(" = ")
        assert output == equation.output
        assert left == "-inf" or eval(left, numbers | {"max": lambda *each: max(each)}) == pytest.approx(
            expected
        )
        assert not winner or numbers[winner[0]] == expected


def test_without_spaces() -> None:
    line = equations(max_pool2d(np.array([[[3.0, 1.0]]]), (1, 2))).equations[0]
    assert "".join(text for text, _ in line.pieces(is_spaced=False)) == "max(A,B)=A=P"
    assert [term.input for _, term in line.pieces() if term] == [0, 1]


@pytest.mark.parametrize(
    ("image", "weight", "message"),
    [
        ((1, 5, 5), (1, 1, 5, 5), "25 kernel entries are too many for Greek letters; at most 24"),
        (
            (1, 5, 5),
            (1, 1, 3, 3),
            "25 pixels and 9 output cells are too many for letters; at most 25 in total",
        ),
    ],
)
def test_too_few_letters_are_said_to_be(
    image: tuple[int, ...], weight: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        equations(Convolution(np.zeros(image), np.zeros(weight)))
