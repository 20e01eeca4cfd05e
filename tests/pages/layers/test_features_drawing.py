"""The features view as characters: what is marked, what is blank, and what lies where."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convtui.pages.layers.features_drawing import (
    accuracy_lines,
    class_lines,
    filter_lines,
    overlaid,
    patch_lines,
    tile_at,
    tile_lines,
)
from convtui.pages.layers.features_figures import (
    Accuracies,
    Explained,
    Filters,
    SelectedFilter,
    SelectedTile,
    Tiles,
)
from convtui.pages.layers.features_layout import FeaturesPlan, features_plan
from convtui.paint.colours import DARK
from convtui.state.session import Overlay
from tests.support.features import filters, patches
from tests.support.lines import styled, texts


def tiles(
    shown: Filters, selected: int = 0, size: tuple[int, int] = (38, 120)
) -> tuple[SelectedTile, FeaturesPlan]:
    plan = features_plan(size, shown.wanted, is_alone=False, hints=True)
    return SelectedTile(Tiles(shown, plan, plan.in_view_with(selected, shown.count)), selected), plan


def drawn(shown: Filters, selected: int = 0, size: tuple[int, int] = (38, 120)) -> list[str]:
    shown_tiles, plan = tiles(shown, selected, size)
    return texts(tile_lines(shown_tiles, (plan.tiles.height, plan.tiles.width), DARK))


# -- tiles


def test_every_filter_in_view_has_a_tile_and_the_selected_one_a_mark() -> None:
    lines = "\n".join(drawn(filters(), selected=3))
    for number in range(8):
        assert f"{number} sobel-x" in lines
    assert lines.count("▸") == 1
    assert "▸3 sobel-x" in lines


def test_pictures_have_their_names_above() -> None:
    first = drawn(filters())[0]
    assert first.split()[:4] == ["now", "step", "0", "map"]
    assert "step 0" not in drawn(filters(before=None))[0]


def test_a_map_that_is_not_computed_is_dots() -> None:
    assert "····" in "\n".join(drawn(filters(maps=None)))
    assert "····" not in "\n".join(drawn(filters()))
    assert "····" in "\n".join(drawn(filters(hidden=5)))


def test_a_click_selects_the_tile_under_it() -> None:
    shown, plan = tiles(filters())
    size = (plan.tiles.height, plan.tiles.width)
    tile = plan.tile
    assert tile_at(shown, size, 0, 0) is None
    assert tile_at(shown, size, 1, 0) == (0, 0)
    assert tile_at(shown, size, 1, tile.width + 2) == (1, 0)
    assert tile_at(shown, size, 1, tile.width) is None
    assert tile_at(shown, size, 1 + tile.lines + tile.gap, 0) == (plan.across, 0)
    assert tile_at(shown, size, size[0] - 1, 0) in (None, (7, 0), (6, 0))


def test_the_second_page_of_tiles_begins_where_the_first_ends() -> None:
    lines = "\n".join(drawn(filters(), selected=4, size=(22, 80)))
    assert "▸4 sobel-x" in lines
    assert "0 sobel-x  " not in lines.replace("▸", "")


# -- the selected filter


def test_a_filter_shows_its_slices_and_its_words() -> None:
    lines = texts(filter_lines(SelectedFilter(filters(8, 4), 2, ""), (12, 60), DARK))
    assert lines[0].startswith("filter 2 of 8: weight[2], 4x3x3")
    assert lines[1].split() == ["[2]", "step", "0", "all", "4", "slices"]
    assert any(line.startswith("now     sobel-x  0.90") for line in lines)


def test_where_not_all_slices_fit_the_strongest_are_told() -> None:
    lines = texts(filter_lines(SelectedFilter(filters(2, 200), 1, ""), (16, 43), DARK))
    assert "strongest of 200" in lines[1]


# -- patches


def test_patches_are_pictures_with_their_words() -> None:
    lines = texts(patch_lines(patches(), (24, 43), DARK))
    text = "\n".join(lines)
    for number in range(9):
        assert f"#{10 + number}" in text
        assert f"r{number}-{number + 4} c{number}-{number + 4}" in text


def test_patches_whose_image_is_not_read_yet_are_dots() -> None:
    one = patches(1)
    blank = replace(one, patches=[replace(one.patches[0], pixels=None)])
    assert "·····" in "\n".join(texts(patch_lines(blank, (24, 43), DARK)))


@pytest.mark.parametrize("size", [(3, 12), (10, 20), (40, 120)])
def test_whatever_the_room_patches_are_drawn(size: tuple[int, int]) -> None:
    assert len(patch_lines(patches(field=28), size, DARK)) == size[0]


def test_what_is_missing_is_said_instead() -> None:
    assert texts(patch_lines(replace(patches(0), instead="train a run first"), (5, 40), DARK))[0].startswith(
        "train a run first"
    )


# -- accuracies


def accuracies(count: int = 40, **given: Any) -> Accuracies:
    return Accuracies(
        **{"selected": 3, "whole": 0.9, "without": np.linspace(0.9, 0.5, count), "images": 100, **given}
    )


def test_every_filter_has_a_line_with_its_accuracy_and_a_bar() -> None:
    lines = texts(accuracy_lines(accuracies(4), (10, 60), DARK))
    assert lines[1].startswith("without filter 3 accuracy falls from 90.0% to 50.0%")
    assert lines[2].split() == ["0", "90.0%", "0.0"]
    assert lines[5].split()[:4] == ["▸3", "50.0%", "−40.0", lines[5].split()[3]]
    assert lines[4].count("█") < lines[5].count("█")


def test_many_filters_stand_in_columns() -> None:
    lines = texts(accuracy_lines(accuracies(), (22, 80), DARK))
    assert "▸ 3" in lines[5]
    assert "23 " in lines[5]


def test_what_is_not_measured_yet_is_a_dash() -> None:
    lines = texts(accuracy_lines(accuracies(selected=1, without=np.full(3, np.nan)), (6, 60), DARK))
    assert lines[2].split() == ["0", "–", "–"]


# -- a class


def explained(overlay: Overlay = Overlay.IMAGE, side: int = 28, **given: Any) -> Explained:
    return Explained(
        **{
            "image": np.ones((1, side, side)),
            "name": "test 0",
            "overlay": overlay,
            "classes": tuple("0123456789"),
            "target": 3,
            "predicted": 7,
            "probabilities": np.array([0.01] * 3 + [0.2] + [0.01] * 3 + [0.72, 0.01, 0.01]),
            "maps": {Overlay.GRADIENT: np.eye(side) - 0.5},
            "formulas": {Overlay.GRADIENT: "d p / d x"},
            **given,
        }
    )


def test_a_class_is_told_with_its_probability_and_the_predicted_one() -> None:
    lines = texts(class_lines(explained(), (24, 60), DARK))
    assert lines[0].startswith("what class 3 depends on · class 3: 20.0%, predicted is 7")
    text = "\n".join(lines)
    assert "▸3  20.0%" in text
    assert " 7  72.0%" in text


def test_a_map_has_its_formula_and_its_scale() -> None:
    lines = texts(class_lines(explained(Overlay.GRADIENT), (24, 60), DARK))
    assert lines[1].startswith("d p / d x")
    assert any(line.startswith("±0.5") for line in lines)


def test_large_images_are_thinned_and_that_is_told() -> None:
    lines = texts(class_lines(explained(side=224), (22, 60), DARK))
    assert any("÷" in line for line in lines)
    assert len(lines) == 22


def test_of_many_classes_the_likeliest_are_shown() -> None:
    classes = tuple(f"class {at}" for at in range(100))
    probabilities = np.full(100, 0.001)
    probabilities[[5, 90]] = 0.45
    lines = "\n".join(
        texts(class_lines(explained(classes=classes, probabilities=probabilities, target=5), (12, 70), DARK))
    )
    assert "▸class 5" in lines
    assert "class 90" in lines


def test_an_overlay_leaves_the_image_where_it_is_zero() -> None:
    pixels = np.full((2, 2, 3), 200, np.uint8)
    over = overlaid(pixels, np.array([[0.0, 1.0], [-1.0, 0.0]]), 1.0, DARK)
    assert tuple(over[0, 1]) == DARK.positive
    assert tuple(over[1, 0]) == DARK.negative
    assert (over[0, 0] == over[1, 1]).all()
    assert len(set(over[0, 0].tolist())) <= 3


def test_the_selected_tile_is_bold() -> None:
    shown, plan = tiles(filters())
    marked = styled(tile_lines(shown, (plan.tiles.height, plan.tiles.width), DARK), "▸")
    assert marked[0].style
    assert marked[0].style.bold
