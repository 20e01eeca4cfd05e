"""What was found out is read back as it was told, and what does not fit is left out."""

from pathlib import Path

import numpy as np
import pytest

from convtui.training.exploring import (
    Ablate,
    Ablating,
    Excited,
    ExcitedLayer,
    Explain,
    Explaining,
    Explore,
    Exploring,
    Hidden,
    Occluded,
)
from convtui.training.messages import Message, encode
from convtui.training.runs import explored
from convtui.training.runs.explored import EXPLANATIONS_KEPT, Patches, keeping, taken

EXPLORING = Exploring(5, "d", 20, 100, (1,), (2,), (2,))
ABLATING = Ablating(5, "d", 20, 1, 2, 3)
PIXELS = np.zeros((1, 4, 6), np.float32)


def excited(images: int, *places: tuple[int, int, float]) -> Excited:
    """Places (filter, image, value) of two filters' activations, all at row 1, column 2."""
    filters, numbers, values = zip(*places, strict=True) if places else ((), (), ())
    ones = (1,) * len(places)
    layer = ExcitedLayer((0.5, 1.0), (0, 5), filters, numbers, ones, tuple(2 * one for one in ones), values)
    return Excited(images, (layer,))


def explaining(label: int = 1) -> Explaining:
    gradient = tuple(tuple(tuple(float(x) for x in row) for row in plane) for plane in PIXELS)
    return Explaining(5, "d", label, (1, 4, 6), 3, 2, (0.0, 1.0), (0.27, 0.73), gradient)


def fold(*events: Message) -> explored.Found | None:
    found: explored.Found | None = None
    for event in events:
        found = taken(found, event)
    return found


def test_the_nine_strongest_stay_the_earlier_image_first() -> None:
    first = excited(10, *((1, image, float(image // 2)) for image in range(9)))
    second = excited(20, (0, 12, 0.5), (1, 11, 9.0), (1, 12, 2.0))
    found = fold(EXPLORING, first, second)
    assert isinstance(found, Patches)
    layer = found.of(1)
    assert layer is not None
    assert layer.images[1].tolist() == [11, 8, 6, 7, 4, 5, 12, 2, 3]
    assert layer.values[1].tolist() == [9, 4, 3, 3, 2, 2, 2, 1, 1]
    assert layer.images[0].tolist() == [12, *[-1] * 8]
    assert np.isnan(layer.values[0, 1:]).all()
    assert (layer.rows[0, 0], layer.columns[0, 0]) == (1, 2)
    assert layer.means.tolist() == [0.5, 1.0]
    assert layer.shares.tolist() == [0.0, 0.5]
    assert layer.dead == {0}
    assert found.progress == (20, 20)


@pytest.mark.parametrize(
    "wrong",
    [
        excited(5),  # fewer images than before
        excited(21),  # more than there are
        excited(20, (2, 0, 1.0)),  # a filter that there is not
        excited(20, (1, 100, 1.0)),  # an image that there is not
        excited(20, (1, 0, 1.0), (0, 0, 1.0)),  # not in order
        excited(20, *[(0, image, 1.0) for image in range(10)]),  # more than nine
        Excited(20, ()),
        Hidden(20, 1, (1, 1)),
        Occluded((0.5,)),
    ],
)
def test_what_does_not_fit_is_refused_and_left_out(tmp_path: Path, wrong: Message) -> None:
    good = excited(10, (0, 3, 1.5))
    with pytest.raises(ValueError, match=r"fit|nine|nothing|zip"):
        fold(EXPLORING, good, wrong)
    file = tmp_path / "features" / "patches-d.jsonl"
    file.parent.mkdir()
    file.write_text("".join(f"{encode(event)}\n" for event in (EXPLORING, good, wrong, excited(20))))
    found = explored.patches(tmp_path, "d")
    assert found is not None
    assert found.images == 10


@pytest.mark.parametrize(
    "wrong",
    [Hidden(21, 0, (0, 0, 0)), Hidden(10, 11, (0, 0, 0)), Hidden(10, 1, (0, 0)), Hidden(0, 0, (0, 0, 0))],
)
def test_counts_that_cannot_be(wrong: Hidden) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        fold(ABLATING, wrong)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff\n", b"[]\n", encode(Occluded((1.0,))).encode()])
def test_a_file_of_something_else_tells_nothing(tmp_path: Path, content: bytes) -> None:
    assert explored.patches(tmp_path, "d") is None
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "patches-d.jsonl").write_bytes(content)
    assert explored.patches(tmp_path, "d") is None
    with keeping(tmp_path, Explore(""), EXPLORING) as keeper:
        assert keeper.events == [EXPLORING]


def test_a_job_goes_on_with_what_is_kept_of_the_same_measurement(tmp_path: Path) -> None:
    job = Ablate("", None, 1)
    with keeping(tmp_path, job, ABLATING) as keeper:
        keeper.add(Hidden(10, 9, (8, 7, 6)))
    found = explored.ablation(tmp_path, "d", 1)
    assert found is not None
    assert (found.accuracy, found.progress) == (0.9, (10, 20))
    assert found.accuracies is not None
    assert found.accuracies.tolist() == [0.8, 0.7, 0.6]
    with keeping(tmp_path, job, ABLATING) as keeper:
        assert keeper.events == [ABLATING, Hidden(10, 9, (8, 7, 6))]
    other = Ablating(5, "d", 30, 1, 2, 3)  # more images by now
    with keeping(tmp_path, job, other) as keeper:
        assert keeper.events == [other]


def test_explanations_are_kept_by_image_and_class_the_newest_only(tmp_path: Path) -> None:
    job = Explain("", None, 1, image=0)
    with keeping(tmp_path, job, explaining(), PIXELS) as keeper:
        keeper.add(Occluded((0.1, 0.2, 0.3)))
    found = explored.explanation(tmp_path, "d", PIXELS, 1)
    assert found is not None
    assert found.occlusion[0].tolist() == [0.1, 0.2, 0.3]
    assert np.isnan(found.occlusion[1]).all()
    assert (found.probability, found.progress) == (0.73, (1, 2))
    assert explored.explanation(tmp_path, "d", PIXELS, 0) is None
    assert explored.explanation(tmp_path, "d", PIXELS + 1, 1) is None
    for number in range(EXPLANATIONS_KEPT + 3):
        with keeping(tmp_path, job, explaining(), PIXELS + number + 1):
            pass
    assert len([*(tmp_path / "features").iterdir()]) == EXPLANATIONS_KEPT


def test_where_nobody_can_write_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file where the folder would be")
    with keeping(tmp_path, Ablate("", None, 1), ABLATING) as keeper:
        keeper.add(Hidden(20, 9, (8, 7, 6)))
        assert isinstance(keeper.found, explored.Ablation)
        assert keeper.found.images == 20
    assert explored.ablation(tmp_path, "d", 1) is None
