"""The BatchNorm page shows the run that the Train page shows, else a kept one when it is asked for."""

from convtui.training.record import Record
from convtui.training.runs import new_run
from tests.screens.test_batchnorm import page, settled, trainer_of
from tests.training.kept_runs import kept_run
from tests.training.small_runs import SMALL


async def test_a_kept_run_is_opened_where_none_is_shown() -> None:
    kept_run()
    run, _ = kept_run()
    new_run(SMALL, "0" * 32)  # without a checkpoint
    async with page() as (driven, screen):
        await driven.press("w")
        await settled(driven)
        assert screen.lab is not None
        assert screen.lab.source.run == str(run.path)
        assert "run 2, step" in driven.text
        assert "w run 2 " in driven.text
        await driven.press("w")
        await settled(driven)
        assert "a random network, seed 0" in driven.text


async def test_the_run_that_the_train_page_looks_at_is_shown() -> None:
    run, _ = kept_run()
    trainer = trainer_of()
    trainer.look_at(Record.of_run(run))
    assert trainer.looked_at is not None
    trainer.looked_at.saved = run.latest_weights()[0]
    async with page(trainer) as (driven, screen):
        assert screen.lab is not None
        assert screen.lab.source.run == str(run.path)
        assert "run 1" in driven.text
