"""Counts with their nouns, and words with their articles."""

import pytest

from convtui.engine.words import a, counted, plural, verb


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "row", "1 row"),
        (0, "row", "0 rows"),
        (1024, "row", "1,024 rows"),
        (2, "bias", "2 biases"),
        (2, "class", "2 classes"),
        (3, "axis", "3 axes"),
        (2, "kernel entry", "2 kernel entries"),
        (1, "output channel", "1 output channel"),
        (2, "output channel", "2 output channels"),
        (2, "mini-batch", "2 mini-batches"),
        (2, "pixel", "2 pixels"),
        (5, "epoch", "5 epochs"),
    ],
)
def test_counts(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text
    assert counted(count, noun).endswith(plural(noun, count))


@pytest.mark.parametrize("word", ["int", "Embedding", "8", "11", "18", "80", "onnx file", "MLP", "LSTM"])
def test_words_with_an(word: str) -> None:
    assert a(word) == f"an {word}"


@pytest.mark.parametrize("word", ["Tensor", "7", "110", "1", "UNet", "uint8", "dict", "ResNet", "SELU"])
def test_words_with_a(word: str) -> None:
    assert a(word) == f"a {word}"


def test_verbs() -> None:
    assert [verb(count, "is", "are") for count in (0, 1, 2)] == ["are", "is", "are"]
