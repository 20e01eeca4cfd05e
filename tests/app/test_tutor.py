"""A lesson in the app: what is asked, hidden, answered and given up; the user's own work stays theirs."""

from dataclasses import replace
from pathlib import Path

import pytest

from convtui.app.command_menu import commands
from convtui.lessons.checking import faults
from convtui.lessons.course import Place, find_course
from convtui.lessons.lesson import MASKS
from convtui.lessons.lesson_file import read_lesson
from convtui.lessons.places import HIGHLIGHTS
from convtui.lessons.progress import progress_of
from convtui.lessons.view import Standing
from convtui.pages.base.outline import Outline
from convtui.pages.batchnorm.opened_network import BATCHNORM
from convtui.pages.train.panes import TrainPanes
from convtui.paint.canvas import HIDDEN, MARK, Canvas
from convtui.state.norm_choice import NormChoice
from convtui.state.session import Zoom
from convtui.training.next_run import NEXT_RUN
from convtui.training.trainer import Trainer
from tests.support.driving import Driven, opened
from tests.support.example_sessions import lesson
from tests.support.lesson_files import ASKING, BEGINNING, course, learning, written


def standing(driven: Driven) -> Standing:
    view = driven.app.lesson
    assert view is not None
    return view.standing


async def test_a_step_says_its_words_with_figures_and_points_at_things(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        assert "Try · 1 of 4" in driven.text
        assert "The output has 28 rows." in driven.text
        assert MARK in driven.text
        assert driven.session.position == (0, 7, 6)


async def test_a_number_is_hidden_until_it_is_answered(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A")
        assert HIDDEN in driven.text
        assert "14" not in driven.text.replace("1.4", "")
        await driven.press("A")
        await driven.enter("27")
        assert "27: That is before dividing by the stride." in driven.text
        assert HIDDEN in driven.text
        await driven.press("A")
        await driven.enter("28")
        assert "✗ 28 is at stride 1." in driven.text
        await driven.press("A")
        await driven.enter("fourteen")
        assert "answer with a number" in driven.text
        await driven.press("A")
        await driven.enter("13")
        assert "13: Count them." in driven.text
        await driven.press("A")
        await driven.enter("14")
        assert "✓ The output is [1, 14, 14]." in driven.text
        assert HIDDEN not in driven.text
        await driven.press("A")
        assert "Try · 3 of 4" in driven.text


@pytest.mark.parametrize("page", ["2", "3", "4", "5"])
async def test_no_other_page_gives_an_answer_away(tmp_path: Path, page: str) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A", page)
        assert "hidden while the question is open" in driven.text
        assert "How many rows" in driven.text
        await driven.press("J")
        assert driven.app.current_mode == "step"
        assert "hidden while" not in driven.text


async def test_a_cell_is_answered_by_going_there(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        driven.app.lessons.go_to(Place(0, 2))
        await driven.pilot.pause()
        await driven.press("g")
        await driven.enter("2,3")
        assert "✗ Rows come first." in driven.text
        await driven.press("right")
        assert "✗" not in driven.text
        await driven.press("g")
        await driven.enter("3,2")
        assert standing(driven) is Standing.RIGHT


async def test_what_is_given_up_is_done(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        driven.app.lessons.go_to(Place(0, 2))
        await driven.pilot.pause()
        await driven.press("F")
        assert driven.session.position == (0, 3, 2)
        assert standing(driven) is Standing.SHOWN
        await driven.press("F")
        assert driven.said == "the answer is on the screen"
        assert not progress_of(driven.app.lessons.course or course(tmp_path)).answered


async def test_a_choice_is_answered_by_its_letter_and_then_the_app_plays(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        driven.app.lessons.go_to(Place(0, 3))
        await driven.pilot.pause()
        assert "a the image   b the output" in driven.text
        await driven.press("A")
        assert "a the image   b the output" in driven.text
        await driven.enter("b")
        assert standing(driven) is Standing.RIGHT
        assert driven.page.playing


async def test_the_step_is_restored_after_anything(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A", "t", "t", "p", "n", "3")
        await driven.press("J")
        assert driven.app.current_mode == "step"
        assert driven.session.spec.stride == (2, 2)
        assert driven.session.kernel.name == "top-edge"


async def test_going_back_and_the_ends(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("U")
        assert driven.said == "this is the first step"
        await driven.press("A", "U")
        assert "Try · 1 of 4" in driven.text
        driven.app.lessons.go_to(Place(0, 3))
        driven.app.lessons.show_answer()
        await driven.pilot.pause()
        await driven.press("A")
        assert "this is the last step" in driven.said


async def test_the_outline_leads_to_any_step_and_out(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("O")
        assert isinstance(driven.app.screen, Outline)
        assert "How many?" in driven.text
        await driven.press("down", "down", "enter")
        assert "Try · 3 of 4" in driven.text
        await driven.press("O", "escape")
        assert "Try · 3 of 4" in driven.text
        await driven.press("O", "x")
        await driven.pilot.pause()
        assert "Try" not in driven.text
        assert driven.app.lesson is None


async def test_own_work_is_back_with_its_history_after_a_lesson(tmp_path: Path) -> None:
    async with opened() as driven:
        await driven.press("t", "right", "p")
        mine = driven.session
        driven.app.lessons.begin(course(tmp_path))
        await driven.pilot.pause()
        await driven.press("A", "t", "e", "escape")
        assert driven.app.workspace.has_unsaved_changes
        driven.app.lessons.leave()
        assert driven.session is mine
        await driven.press("u")
        assert driven.session.spec.pads == ((1, 1), (1, 1))
        await driven.press("u", "u")
        assert driven.session.spec.stride == (1, 1)


async def test_a_lesson_is_no_unsaved_work(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("t")
        assert not driven.app.workspace.has_unsaved_changes
        driven.app.lessons.leave()
        await driven.press("ctrl+r")  # what was tried in the lesson is not lost either
        assert driven.session.spec.stride == (2, 2)


async def test_quitting_asks_about_own_work_only_and_shows_it(tmp_path: Path) -> None:
    async with opened() as driven:
        await driven.press("t")
        driven.app.lessons.begin(course(tmp_path))
        await driven.pilot.pause()
        await driven.press("q")
        assert "There are unsaved changes." in driven.text
        assert driven.app.lesson is None
        assert driven.session.spec.stride == (2, 2)


async def test_where_one_was_is_kept(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A", "A")
        await driven.enter("14")
    async with learning(tmp_path) as driven:
        assert "Try · 2 of 4" in driven.text
        assert standing(driven) is Standing.RIGHT


async def test_a_file_is_followed_at_the_same_step(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A")
        path = written(tmp_path, ASKING.replace("The window moves by two pixels.", "Now it moves by two."))
        driven.app.lessons._read_at[path] = 0
        driven.app.lessons.follow_file()
        await driven.pilot.pause()
        assert "Now it moves by two." in driven.text
        written(tmp_path, ASKING.replace("stride 2", "stride zwei"))
        driven.app.lessons._read_at[path] = 0
        driven.app.lessons.follow_file()
        await driven.pilot.pause()
        assert "mine.toml, line 14: stride" in driven.said
        written(tmp_path, 'lesson = 1\ntitle = "Try"\n')
        driven.app.lessons._read_at[path] = 0
        driven.app.lessons.follow_file()
        assert "a lesson has 1 to 500 steps" in driven.said
        assert "Try · 2 of 4" in driven.text


async def test_a_file_that_is_gone_leaves_its_lesson_open(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        (tmp_path / "mine.toml").unlink()
        driven.app.lessons.follow_file()
        await driven.pilot.pause()
        assert "no such lesson" in driven.said
        await driven.press("A")
        assert "Try · 2 of 4" in driven.text


async def test_a_lesson_is_left_and_opened_in_one_burst(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        for _ in range(2):
            driven.app.lessons.leave()
            driven.app.lessons.begin(course(tmp_path))
        await driven.pilot.pause()
        assert "The output has 28 rows." in driven.text
        await driven.press("O", "x")
        assert driven.page.room == driven.page.size


async def test_an_answer_typed_after_it_was_shown_does_not_count(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A", "A")
        await driven.click_on("show the answer")
        await driven.enter("14")
        assert standing(driven) is Standing.SHOWN
        assert not driven.app.lessons.progress.answered


async def test_the_line_for_an_answer_goes_with_its_step(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A", "A")
        assert driven.typing
        await driven.click_on("U back")
        assert not driven.typing
        await driven.press("A")
        assert "Try · 2 of 4" in driven.text


async def test_what_was_playing_stops_with_its_step(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("space")
        assert driven.page.playing
        await driven.press("A")
        assert not driven.page.playing
        await driven.press("space")
        driven.app.lessons.leave()
        assert not driven.page.playing


async def test_a_reveal_starts_no_run(tmp_path: Path) -> None:
    async with learning(tmp_path, trainer=Trainer(start=None)) as driven:
        driven.app.lessons.go_to(Place(0, 3))
        await driven.press("5", "F")
        await driven.app.workers.wait_for_complete()
        await driven.pilot.pause()
        assert standing(driven) is Standing.SHOWN
        assert not driven.app.trainer.is_busy


async def test_a_step_that_cannot_be_set_up_is_said_on_its_own_page(tmp_path: Path) -> None:
    step = '[[step]]\nwords = "Go on."\n'
    text = f'{BEGINNING}{step}{step}page = "layers"\nsettings = ["stride zwei"]\n'
    async with learning(tmp_path, text) as driven:
        await driven.press("A")
        await driven.pilot.pause()
        assert driven.app.current_mode == "layers"
        assert driven.refused
        assert "mine.toml, line 8: stride" in driven.said


async def test_a_solution_that_is_refused_is_said(tmp_path: Path) -> None:
    text = ASKING.replace('solution = ["at 0,3,2"]', 'solution = ["kernel none.npy"]')
    async with learning(tmp_path, text) as driven:
        driven.app.lessons.go_to(Place(0, 2))
        await driven.press("F")
        assert "none.npy: no such kernel or file" in driven.said


async def test_what_was_done_is_done_when_its_step_is_shown_again(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        driven.app.lessons.go_to(Place(0, 2))
        await driven.press("F", "home", "J")
        assert driven.session.position == (0, 3, 2)


async def test_undo_brings_back_what_was_tried_before_a_step_was_set_up(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("t", "t")
        mine = driven.session
        await driven.press("J")
        assert driven.session.spec.stride == (1, 1)
        await driven.press("u")
        assert driven.session is mine


async def test_recipe_and_batch_norm_are_back_with_their_history(tmp_path: Path) -> None:
    steps = (
        '[[step]]\npage = "train"\nrecipe = ["epochs 2"]\nwords = "Train."\n'
        '[[step]]\npage = "batchnorm"\nbatchnorm = ["size 8"]\nwords = "Batch."\n'
    )
    async with opened(trainer=Trainer(start=None)) as driven:
        await driven.press("5", "b", "4")
        await driven.app.workers.wait_for_complete()
        await driven.pilot.pause()
        await driven.press("g", "g")
        timelines = driven.app.timelines
        mine = timelines.get(BATCHNORM)
        driven.app.lessons.begin(course(tmp_path, BEGINNING + steps))
        assert timelines.present(NEXT_RUN).recipe.epochs == 2
        await driven.press("A")
        assert timelines.present(BATCHNORM).session.batch_size == 8
        driven.app.lessons.leave()
        assert timelines.get(BATCHNORM) is mine
        before = timelines.present(NEXT_RUN).recipe
        assert timelines.undo(NEXT_RUN)
        assert timelines.present(NEXT_RUN).recipe.batch_norm is not before.batch_norm


@pytest.mark.parametrize("is_open", [True, False])
async def test_the_users_own_norm_is_back_after_a_lesson(tmp_path: Path, is_open: bool) -> None:
    step = '[[step]]\npage = "batchnorm"\nbatchnorm = ["norm layer"]\nwords = "Layer norm."\n'
    mine = NormChoice("group", 4)
    async with opened(replace(lesson(), norm=mine), trainer=Trainer(start=None)) as driven:
        timelines = driven.app.timelines
        if is_open:  # else page 4 begins in the lesson
            await driven.press("4")
            await driven.app.workers.wait_for_complete()
            await driven.pilot.pause()
        driven.app.lessons.begin(course(tmp_path, BEGINNING + step))
        await driven.press("A")
        await driven.app.workers.wait_for_complete()
        await driven.pilot.pause()
        assert timelines.present(BATCHNORM).session.choice.kind == "layer"
        driven.app.lessons.leave()
        assert timelines.present(BATCHNORM).session.choice == mine


async def test_a_session_is_opened_in_a_lesson_without_a_question(tmp_path: Path) -> None:
    async with opened() as driven:
        await driven.press("t")
        mine = driven.session
        driven.app.lessons.begin(course(tmp_path))
        driven.app.open("why-13x13")
        await driven.pilot.pause()
        assert driven.app.screen is driven.page
        assert driven.app.workspace.has_unsaved_changes
        driven.app.lessons.leave()
        assert driven.session is mine


async def test_a_lesson_saved_in_the_app_is_not_the_users_work(tmp_path: Path) -> None:
    async with opened() as driven:
        await driven.press("t")
        driven.app.lessons.begin(course(tmp_path))
        await driven.press("S")
        await driven.enter(str(tmp_path / "saved.toml"))
        assert "saved:" in driven.said
        assert driven.app.workspace.has_unsaved_changes
        driven.app.lessons.leave()
        assert driven.session.path is None
        assert driven.app.workspace.has_unsaved_changes


async def test_keys_of_a_lesson_say_that_none_is_open() -> None:
    async with opened() as driven:
        for key in ("A", "U", "F", "J"):
            await driven.press(key)
            assert driven.said == "no lesson is open; O opens the course"


async def test_o_opens_the_course() -> None:
    async with opened() as driven:
        await driven.press("O")
        first = find_course().lessons[0]
        assert f"{first.title} · 1 of {len(first.steps)}" in driven.text


async def test_a_small_terminal_is_told_what_a_lesson_needs(tmp_path: Path) -> None:
    async with learning(tmp_path, size=(70, 22)) as driven:
        assert "a lesson needs 80x24; this terminal is 70x22" in driven.text
        await driven.resize(80, 24)
        await driven.pilot.pause()
        assert "The output has 28 rows." in driven.text
        assert driven.page.query_one("#keys").display is False
        await driven.resize(100, 30)
        await driven.pilot.pause()
        assert driven.page.query_one("#keys").display


async def test_a_presenter_has_large_cells_and_asks_again(tmp_path: Path) -> None:
    async with learning(tmp_path) as driven:
        await driven.press("A", "A")
        await driven.enter("14")
    async with opened() as driven:
        driven.app._presents = True
        driven.app.lessons.begin(course(tmp_path))
        await driven.pilot.pause()
        assert driven.zoom() is Zoom.NUMBERS
        await driven.press("A") if standing(driven) is Standing.READ else None
        assert standing(driven) is Standing.OPEN


async def test_batch_norm_and_training_are_set_up_and_watched(tmp_path: Path) -> None:
    text = (
        BEGINNING
        + """
[[step]]
page = "train"
recipe = ["batch_norm off", "epochs 2"]
words = "Rate {run.max_lr}."
ask = "Turn batch norm on."
until = "run.is_finished"
solution = []
"""
    )
    async with learning(tmp_path, text) as driven:
        recipe = driven.app.timelines.present(NEXT_RUN).recipe
        assert (recipe.batch_norm, recipe.epochs) == (False, 2)
        assert "Rate –." in driven.text
        driven.app.lessons.leave()
        assert driven.app.timelines.present(NEXT_RUN).recipe == replace(recipe, batch_norm=True, epochs=5)


def test_what_a_lesson_can_point_at_on_the_train_page_is_there() -> None:
    panes = TrainPanes()
    views = (
        *(panes._curves, panes._layers, panes._weight),
        *(panes._runs, panes._laboratory, panes._finder),
    )
    settings = {"data", "batch_norm", "schedule", "lr", "optimizer", "decay", "epochs", "batch"}
    assert {*HIGHLIGHTS["train"]} == {"status", *settings}.union(*views) - {"invitation"}


@pytest.mark.parametrize("page", [page for page in HIGHLIGHTS if page != "train"])
async def test_what_a_lesson_can_point_at_is_there(page: str) -> None:
    async with opened(size=(160, 60)) as driven:
        await driven.app.switch_mode(page)
        await driven.app.workers.wait_for_complete()
        seen = {*driven.page.GROUPS}
        for key in {"batchnorm": "vvvnn", "step": "vvvb"}.get(page, "vvv"):
            await driven.pilot.pause()
            seen |= {*driven.page.query_one(Canvas)._panes, *(each.name for each in driven.page.controls())}
            await driven.press(key)
        seen |= {each.name for each in driven.page.controls()}
        if page == "layers":
            driven.app.lessons.begin(find_course("shapes"))
            await driven.pilot.pause()
            seen |= {*driven.page.query_one(Canvas)._panes}
    assert {*HIGHLIGHTS[page]} <= seen


def test_every_mask_hides_something_on_some_page() -> None:
    from convtui.pages.batchnorm.page import BatchNormPage
    from convtui.pages.layers.page import LayersPage
    from convtui.pages.matrix.page import MatrixPage
    from convtui.pages.step.page import StepPage

    hiding = {mask for page in (StepPage, MatrixPage, LayersPage, BatchNormPage) for mask in page.MASKED}
    assert hiding == {*MASKS}


async def test_a_lesson_begins_with_the_session_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened() as driven:
        await driven.press("t", "right")
        found = {command.title: command.callback for command in commands(driven.app, driven.page)}
        found["Lesson: new …"]()
        await driven.pilot.pause()
        await driven.enter("mine")
        assert "convtui learn mine.toml opens it" in driven.said
        found["Lesson: new …"]()
        await driven.pilot.pause()
        await driven.enter("mine")
        assert "already exists" in driven.said
        found["Lesson: new …"]()
        await driven.pilot.pause()
        await driven.enter("a" * 300)
        assert "cannot be written" in driven.said
    assert faults(tmp_path / "mine.toml") == []
    step = read_lesson(tmp_path / "mine.toml").steps[0]
    assert "stride 2" in step.settings
