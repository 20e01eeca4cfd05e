"""Runs that are kept are shown, gone on with, opened and deleted."""

from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from convtui.pages.base.ask import Ask
from convtui.pages.base.data_cache import MOST_SETS
from convtui.pages.step.page import StepPage
from convtui.pages.train.view_maker import Tab
from convtui.training.protocol import Continue, Stopped, Train
from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.log import Log
from convtui.training.runs.store import Run, find_run
from tests.support import events as made
from tests.support.data_files import npz
from tests.support.driving import until
from tests.support.kept_runs import kept_run
from tests.support.train_page import SMALL, keep, training

# -- runs that are kept


async def test_kept_runs_are_listed_shown_and_taken() -> None:
    other = replace(SMALL, schedule="constant", batch_norm=False, seed=7)
    first, second = keep(SMALL, other)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        assert [history.run for history in driven.run_rows] == [second, first]
        assert "constant 0.06 · no batch norm" in driven.text
        assert "98.50%" in driven.text
        await driven.press("m", "down", "m")
        assert [history.run for history in driven.runs.marked(driven.run_rows)] == [
            second,
            first,
        ]
        await driven.press("m")
        assert [history.run for history in driven.runs.marked(driven.run_rows)] == [second]
        await driven.press("up", "t")
        assert driven.recipe == other
        await driven.press("enter")
        assert driven.shows(Tab.CURVES)
        assert "run 2" in driven.text
        assert "finished" in driven.text
        await driven.press("space")
        assert driven.told == [Train(other)]
        assert "starting" in driven.text


async def test_the_table_is_there_before_the_curves_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    (folder,) = keep(SMALL, until=50)
    is_wanted = Event()
    really = Run.log

    def log(run: Run, outline: bool = False) -> Log:
        assert outline or is_wanted.wait(10)
        return really(run, outline)

    monkeypatch.setattr(Run, "log", log)
    async with training() as driven:
        driven.train.views.turn_to(Tab.RUNS)
        await until(driven, lambda: bool(driven.run_rows))
        (outline,) = driven.run_rows
        assert (outline.state, outline.step) == (State.STOPPED, 50)
        assert "stopped" in driven.text
        for key in ("enter", "g"):
            await driven.press(key)
            assert driven.said == "run 1 is still being read"
        assert driven.shows(Tab.RUNS)
        is_wanted.set()
        await driven.settled()
        await driven.press("g")
        assert driven.told == [Continue(folder)]


async def test_an_interrupted_run_is_gone_on_with() -> None:
    (folder,) = keep(SMALL, until=50)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        assert "stopped" in driven.text
        await driven.press("g")
        assert driven.told == [Continue(folder)]
        with find_run(folder).locked():  # by the app's own process, which reads the images meanwhile
            await driven.turn_to(Tab.RUNS)
            assert "starting" in driven.text
            assert "elsewhere" not in driven.text
        await driven.turn_to(Tab.CURVES)
        await driven.tell(replace(made.begun(SMALL, folder), step=40), made.step(41))
        assert "step  41/100" in driven.text


async def test_a_run_is_deleted_once_that_is_confirmed() -> None:
    folders = keep(SMALL, SMALL)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("delete")
        assert isinstance(driven.app.screen, Ask)
        await driven.press("escape")
        assert all(Path(folder).exists() for folder in folders)
        await driven.press("delete", "d")
        assert [Path(folder).exists() for folder in folders] == [True, False]
        assert "run 2 is deleted" in driven.said
        assert len(driven.run_rows) == 1


async def test_keys_wait_for_the_table_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = keep(SMALL, SMALL, SMALL)
    is_wanted = Event()
    really = Run.log

    def log(run: Run, outline: bool = False) -> Log:
        assert is_wanted.wait(10)
        return really(run, outline)

    monkeypatch.setattr(Run, "log", log)
    async with training() as driven:
        await driven.press("V", "V")
        assert "reading the runs" in driven.text
        await driven.press("down")
        assert driven.said == "reading the runs …"
        await driven.press("down", "t")
        is_wanted.set()
        await driven.settled()
        selected = driven.train.browser.selected()
        assert selected is not None
        assert selected.run == folders[0]
        assert driven.said == "the next run takes the recipe of run 1: space starts it"


async def test_kept_runs_are_told_of_before_any_is_shown() -> None:
    async with training() as driven:
        assert "kept" not in driven.text
        keep(SMALL)
        driven.train.show_again()
        await driven.settled()
        assert "1 saved run: ⇧tab ⇧tab shows it." in driven.text
        keep(SMALL)
        await driven.press("shift+tab", "shift+tab")
        await driven.settled()
        assert driven.shows(Tab.RUNS)
        await driven.press("V", "V", "V", "V")
        assert "2 saved runs" in driven.text


# -- what is read from the disk


async def test_images_that_are_there_by_now_are_trained_on(tmp_path: Path) -> None:
    file = tmp_path / "images.npz"
    async with training(replace(SMALL, data=str(file))) as driven:
        await driven.press("enter")
        await driven.settled()
        assert driven.refused
        assert not driven.told
        npz(file)
        await driven.press("enter")
        await driven.settled()
        assert driven.told[0] == Train(replace(SMALL, data=str(file)), paused=True)
        assert len(driven.told) == 2


@pytest.mark.parametrize("key", ["K", "L", "i"])
async def test_images_that_are_there_by_now_are_opened(key: str, tmp_path: Path) -> None:
    file = tmp_path / "images.npz"
    async with training(replace(SMALL, data=str(file))) as driven:
        driven.trainer.current = RunHistory(driven.recipe, "/runs/0012")
        driven.trainer.current.saved = 1
        await driven.press(key)
        await driven.settled()
        assert "no such data set" in driven.said
        npz(file)
        await driven.press(key)
        await driven.settled()
        if key == "i":
            assert driven.typing
        else:
            assert "no such data set" not in driven.said
            assert "/runs/0012" in driven.said


async def test_only_the_last_few_data_sets_stay_in_memory() -> None:
    async with training() as driven:
        for size in (28, 10, 12, 14, 16):
            driven.train.data.images(replace(SMALL, image_size=size))
            await driven.settled()
        assert len(driven.train.data._data) == MOST_SETS
        assert driven.train.data.images(SMALL) is not None


async def test_a_run_that_was_stopped_is_shown_once() -> None:
    (folder,) = keep(SMALL, until=50)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("g")
        await driven.tell(replace(made.begun(SMALL, folder), step=40), made.step(41), Stopped(41))
        await driven.turn_to(Tab.RUNS)
        await driven.press("m")
        driven.trainer.looked_at = driven.runs.kept[folder]
        assert driven.trainer.looked_at is not driven.trainer.current
        view = driven.train.views.curves_view()
        assert [each.name for each in view.curves] == ["1 one-cycle+BN"]
        await driven.press("delete", "d")
        assert driven.train.views.history is None
        assert driven.trainer.current is None
        assert driven.run_rows == []


async def test_a_list_that_was_read_before_a_run_was_deleted_does_not_bring_it_back() -> None:
    folders = keep(SMALL, SMALL)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        before = dict(driven.runs.kept)
        await driven.press("delete", "d")
        driven.train.browser._has_read(before)
        assert [history.run for history in driven.run_rows] == folders[:1]


async def test_a_run_that_is_gone_on_with_is_shown() -> None:
    keep(SMALL)
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3, run="/runs/0012"), Stopped(3))
        await driven.turn_to(Tab.RUNS)
        await driven.press("down", "enter")
        assert "run 1 " in driven.text
        await driven.turn_to(Tab.RUNS)
        await driven.press("up", "g")
        assert driven.told[-1] == Continue("/runs/0012")
        assert driven.train.views.history is driven.trainer.current


async def test_a_run_that_another_process_trains_is_left_to_it() -> None:
    (folder,) = keep(SMALL, until=50)
    with find_run(folder).locked():
        async with training() as driven:
            await driven.turn_to(Tab.RUNS)
            assert "elsewhere" in driven.text
            await driven.press("g")
            assert "another process is training this run" in driven.said
            assert not driven.told
            await driven.press("enter")
            assert "elsewhere  run 1" in driven.text
            assert "another process is training it" in driven.text


async def test_runs_beside_the_table_are_named_as_elsewhere() -> None:
    keep(SMALL, SMALL)
    async with training(size=(80, 24)) as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("m", "down", "m")
        view = driven.train.views.runs_view()
        assert [each.name for each in view.curves] == ["2 one-cycle+BN", "1 one-cycle+BN"]


async def test_the_selected_run_is_previewed_over_those_that_are_marked() -> None:
    keep(*[SMALL] * 6)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        assert [each.name for each in driven.train.views.runs_view().curves] == ["6 one-cycle+BN"]
        await driven.press("m", "down", "m", "down", "down")
        curves = driven.train.views.runs_view().curves
        assert [each.name.split()[0] for each in curves] == ["6", "5", "3"]
        assert len({each.colour for each in curves}) == 3
        await driven.press("m", "down", "m", "down")
        curves = driven.train.views.runs_view().curves
        assert [each.name.split()[0] for each in curves] == ["6", "5", "3", "2", "1"]
        assert [each.colour for each in curves] == [0, 1, 2, 3, None]
        assert "1 one-cycle+BN" in driven.text


async def test_the_neighbour_of_a_deleted_run_is_selected() -> None:
    keep(SMALL, SMALL, SMALL)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        for keys, left in ((["down", "delete", "d"], "1"), (["delete", "d"], "3")):
            await driven.press(*keys)
            selected = driven.train.browser.selected()
            assert selected is not None
            assert selected.run.endswith(left)


async def test_the_mouse_goes_through_the_table_and_opens_a_run() -> None:
    keep(*[SMALL] * 3)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        pane = driven.train.panes.runs
        pane.scroll(1, 0)
        assert driven.runs.selected(driven.run_rows) == 1
        pane.scroll(5, 0)
        pane.scroll(1, 0)
        assert driven.runs.selected(driven.run_rows) == 2
        canvas = driven.train.canvas
        driven.train.on_canvas_clicked(canvas.Clicked(pane, (1, 0)))
        assert driven.shows(Tab.RUNS)
        driven.train.on_canvas_clicked(canvas.Clicked(pane, (1, 0)))
        assert driven.shows(Tab.CURVES)
        assert driven.train.views.history is not None
        assert driven.train.views.history.run.endswith("2")


async def test_enter_begins_no_run_where_one_is_shown_that_is_over() -> None:
    keep(SMALL, replace(SMALL, seed=1))
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        assert "enter show" in driven.lines[-1]
        assert " stop" not in driven.lines[-1]
        await driven.press("enter")
        assert "space new run" in driven.lines[-1]
        assert "enter" not in driven.lines[-1]
        await driven.press("enter")
        assert not driven.told
        assert driven.said == "run 2 is finished: space starts a new run"


async def test_keys_of_the_table_do_nothing_elsewhere_but_say_so() -> None:
    keep(SMALL)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.turn_to(Tab.CURVES)
        for key in ("m", "delete"):
            await driven.press(key)
            assert "works in the table of all runs" in driven.said
        assert not driven.runs.marked(driven.run_rows)
        assert len(driven.run_rows) == 1
        for key in ("up", "right", "]", "end"):
            await driven.press(key)
            assert "arrows choose in the views" in driven.said


# -- on other pages


async def test_the_step_that_is_opened_is_said() -> None:
    run, _ = kept_run()
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("enter")
        assert driven.train.views.history is not None
        driven.train.views.history.saved = 1  # another process has got on with it since
        await driven.press("K")
        await driven.pilot.pause()
        assert driven.said.startswith(f"run 1, step {run.latest_weights()[0]}: ")


async def test_an_image_is_opened_on_the_step_page() -> None:
    async with training() as driven:
        await driven.press("i")
        await driven.enter("test:999")
        assert driven.refused
        await driven.enter("test:17")
        await driven.pilot.pause()
        assert isinstance(driven.page, StepPage)
        assert driven.session.picture.source == "digits-8x8:test:17"
        await driven.press("u")
        assert driven.session.picture.name == "mnist-7"


async def test_nothing_is_opened_before_something_is_learned() -> None:
    async with training() as driven:
        await driven.press("K")
        assert "nothing has been learned yet" in driven.said
        await driven.press("L")
        assert "nothing has been learned yet" in driven.said
