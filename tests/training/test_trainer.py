"""The trainer keeps one worker busy, loses nothing when it dies, and tells of changes now and then."""

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest

from convtui.training import trainer as module
from convtui.training.campaign import Task
from convtui.training.exploring import Ablate, Ablating, Explore, Explored, Hidden
from convtui.training.measuring import Measure, Measured, Measuring, NoisePoint
from convtui.training.messages import Message
from convtui.training.protocol import (
    Begun,
    Continue,
    Failed,
    Find,
    Go,
    Going,
    OneStep,
    Pause,
    Paused,
    Ready,
    Replay,
    Replayed,
    SetRate,
    Stop,
    Stopped,
    Suggested,
    Train,
    Watch,
)
from convtui.training.recipe import Recipe
from convtui.training.runs.explored import Ablation
from convtui.training.runs.history import RunHistory, State
from convtui.training.trainer import Trainer, TrainerError
from tests.support import events as made
from tests.support.workers import FakeWorkers

REPLAY = Replay("/runs/0001", 2, 3, 1, (0, 0, 2, 2))


@pytest.fixture
def workers() -> FakeWorkers:
    return FakeWorkers()


@pytest.fixture
async def trainer(workers: FakeWorkers) -> AsyncIterator[Trainer]:
    trainer = Trainer(start=workers.start)
    yield trainer
    for worker in workers.started:
        worker.tell(Stopped(0))
    await trainer.end()


async def settled() -> None:
    """Every task has done what it can."""
    for _ in range(400):
        await asyncio.sleep(0)


async def test_the_worker_is_started_once_and_when_needed(trainer: Trainer, workers: FakeWorkers) -> None:
    assert not workers.started
    trainer.prewarm()
    trainer.prewarm()
    await settled()
    assert len(workers.started) == 1
    assert not trainer.is_ready
    workers.now.tell(Ready())
    await settled()
    assert trainer.is_ready
    trainer.start(Recipe())
    await settled()
    assert len(workers.started) == 1


async def test_a_job_waits_for_a_worker_that_is_on_its_way(trainer: Trainer, workers: FakeWorkers) -> None:
    history = trainer.start(Recipe(seed=3), paused=True)
    trainer.one_step()
    assert history.state is State.STARTING
    await settled()
    assert workers.now.told == [Train(Recipe(seed=3), paused=True), OneStep()]


async def test_commands_go_to_the_worker(trainer: Trainer, workers: FakeWorkers) -> None:
    history = trainer.start(Recipe())
    await settled()
    workers.now.tell(*made.events(until=3))
    await settled()
    assert history.step == 3
    trainer.pause()
    trainer.go()
    trainer.set_rate(0.01)
    trainer.watch(4, (0, 1, 2, 0))
    trainer.stop()
    assert workers.now.told[1:] == [Pause(), Go(), SetRate(0.01), Watch(4, (0, 1, 2, 0)), Stop()]
    workers.now.tell(Paused(3))
    await settled()
    states = [history.state]
    workers.now.tell(Going(3), Stopped(4))
    await settled()
    assert [*states, history.state] == [State.PAUSED, State.STOPPED]
    assert not trainer.is_busy


async def test_one_job_at_a_time(trainer: Trainer, workers: FakeWorkers) -> None:
    with pytest.raises(TrainerError, match="space starts one"):
        trainer.pause()
    trainer.start(Recipe())
    for again in (
        lambda: trainer.start(Recipe()),
        lambda: trainer.find(Recipe()),
        lambda: trainer.compare(Recipe()),
        lambda: trainer.resume(RunHistory(Recipe(), "/runs/0001")),
        lambda: trainer.replay(REPLAY),
    ):
        with pytest.raises(TrainerError, match="a run is active: x stops it"):
            again()
    await settled()
    assert workers.now.told == [Train(Recipe())]


async def test_runs_of_the_session_are_kept(trainer: Trainer, workers: FakeWorkers) -> None:
    for run in ("/runs/0001", "/runs/0002"):
        trainer.start(Recipe())
        await settled()
        workers.now.tell(*made.events(run=run))
        await settled()
    assert list(trainer.histories) == ["/runs/0001", "/runs/0002"]
    assert trainer.current is trainer.histories["/runs/0002"]
    assert all(history.state is State.FINISHED for history in trainer.histories.values())


async def test_a_stopped_run_goes_on(trainer: Trainer, workers: FakeWorkers) -> None:
    history = RunHistory.of(made.events(until=30), Recipe(), "/runs/0012")
    trainer.resume(history)
    await settled()
    assert workers.now.told == [Continue("/runs/0012")]
    assert history.state is State.STARTING
    workers.now.tell(made.begun(step=20))
    await settled()
    assert (history.state, history.step) == (State.TRAINING, 20)
    finished = RunHistory.of(made.events(), Recipe())
    workers.now.tell(Stopped(20))
    await settled()
    with pytest.raises(TrainerError, match="finished"):
        trainer.resume(finished)


async def test_what_is_to_be_watched_is_told_with_every_run(trainer: Trainer, workers: FakeWorkers) -> None:
    trainer.to_watch = lambda history: Watch(history.recipe.seed, (0, 0, 0, 0))
    trainer.start(Recipe(seed=1), paused=True)
    trainer.one_step()
    await settled()
    watch = Watch(1, (0, 0, 0, 0))
    assert workers.now.told == [Train(Recipe(seed=1), paused=True), watch, OneStep()]
    workers.now.tell(made.begun(Recipe(seed=1)), Stopped(1))
    await settled()
    assert trainer.current is not None
    trainer.resume(trainer.current)
    assert workers.now.told[-2:] == [Continue("/runs/0012"), watch]


async def test_a_run_is_forgotten_by_its_folder(trainer: Trainer, workers: FakeWorkers) -> None:
    trainer.compare(Recipe())
    await settled()
    workers.now.tell(made.begun(), Stopped(1))
    await settled()
    trainer.forget(RunHistory(Recipe(), "/runs/0012"))
    assert (trainer.current, trainer.comparison, trainer.histories) == (None, [], {})


async def test_a_run_of_another_process_is_left_to_it(trainer: Trainer) -> None:
    history = RunHistory(Recipe(), "/runs/0012")
    history.state = State.ELSEWHERE
    with pytest.raises(TrainerError, match="another process is training this run"):
        trainer.resume(history)


async def test_the_comparison_runs_the_four_one_after_another(trainer: Trainer, workers: FakeWorkers) -> None:
    recipe = Recipe(epochs=1, seed=5)
    trainer.compare(recipe)
    await settled()
    for number in range(4):
        assert len(workers.now.told) == number + 1
        told = workers.now.told[-1]
        assert isinstance(told, Train)
        workers.now.tell(*made.events(told.recipe, run=f"/runs/{number}"))
        await settled()
    assert not trainer.is_busy
    assert [(history.recipe.schedule, history.recipe.batch_norm) for history in trainer.comparison] == [
        ("constant", False),
        ("constant", True),
        ("one-cycle", False),
        ("one-cycle", True),
    ]
    assert {replace(r.recipe, schedule="one-cycle", batch_norm=True) for r in trainer.comparison} == {recipe}
    assert len(workers.started) == 1


@pytest.mark.parametrize("end", ["stop", "fail", "die"])
async def test_a_comparison_ends_with_a_run_that_does_not(
    end: str, trainer: Trainer, workers: FakeWorkers
) -> None:
    trainer.compare(Recipe())
    await settled()
    workers.now.tell(made.begun())
    await settled()
    if end == "stop":
        trainer.stop()
        workers.now.tell(Stopped(0))
    elif end == "fail":
        workers.now.tell(Failed("disk full"))
    else:
        workers.now.die()
    await settled()
    assert not trainer.is_busy
    assert not trainer.waiting
    assert len(trainer.comparison) == 1


# -- measuring, and one job after another


MEASURING = Measuring("/runs/0012", 390, "0123456789abcdef", 2000, 499, 166)


def finished(recipe: Recipe | None = None, run: str = "/runs/0012") -> RunHistory:
    recipe = recipe or Recipe()
    return RunHistory.of(made.events(recipe, run=run), recipe, run)


async def test_a_run_is_measured(trainer: Trainer, workers: FakeWorkers) -> None:
    measurement = trainer.measure(finished(), step=390)
    await settled()
    assert workers.now.told == [Measure("/runs/0012", 390)]
    assert (measurement.known, measurement.is_active) == (None, True)
    with pytest.raises(TrainerError, match="a measurement is active: x stops it"):
        trainer.start(Recipe())
    with pytest.raises(TrainerError, match="a measurement is active: x stops it"):
        trainer.pause()
    workers.now.tell(MEASURING, NoisePoint(0.05, 0.2, 0.9))
    await settled()
    assert measurement.known is not None
    assert measurement.known.noise == (NoisePoint(0.05, 0.2, 0.9),)
    workers.now.tell(Measured(1.0))
    await settled()
    assert (measurement.state, trainer.is_busy, trainer.current) == (State.FINISHED, False, None)


@pytest.mark.parametrize("end", ["stop", "fail", "die"])
async def test_a_measurement_that_ends_early(end: str, trainer: Trainer, workers: FakeWorkers) -> None:
    measurement = trainer.measure(finished())
    await settled()
    if end == "stop":
        trainer.stop()
        assert workers.now.told[-1] == Stop()
        workers.now.tell(Stopped(390))
    elif end == "fail":
        workers.now.tell(Failed("disk full"))
    else:
        workers.now.die("was killed by SIGKILL")
    await settled()
    assert not trainer.is_busy
    assert measurement.state is (State.STOPPED if end == "stop" else State.FAILED)
    told = {"stop": "", "fail": "disk full", "die": "the training process was killed by SIGKILL"}
    assert trainer.trouble == told[end]


async def test_a_run_of_another_process_is_not_measured(trainer: Trainer) -> None:
    history = finished()
    history.state = State.ELSEWHERE
    with pytest.raises(TrainerError, match="another process is training this run"):
        trainer.measure(history)


async def test_a_campaign_trains_resumes_and_measures(trainer: Trainer, workers: FakeWorkers) -> None:
    halfway = RunHistory.of(made.events(until=30, run="/runs/0013"), Recipe(), "/runs/0013")
    done = finished(run="/runs/0014")
    recipes = [Recipe(seed=seed) for seed in range(3)]
    tasks = zip(recipes, (None, halfway, done), strict=True)
    campaign = trainer.undertake(Task(recipe, history, to_measure=True) for recipe, history in tasks)
    resumed = [made.begun(run="/runs/0013", step=20), *list(made.events(run="/runs/0013"))[21:]]
    measured = [MEASURING, Measured(1.0)]
    for number, events in enumerate([[*made.events(recipes[0])], measured, resumed, measured, measured]):
        await settled()
        assert (campaign.done, campaign.total, trainer.is_busy) == (number, 5, True)
        workers.now.tell(*events)
        await settled()
    assert workers.now.told == [
        Train(recipes[0]),
        Measure("/runs/0012"),
        Continue("/runs/0013"),
        Measure("/runs/0013"),
        Measure("/runs/0014"),
    ]
    assert (campaign.done, campaign.is_active, trainer.is_busy) == (5, False, False)
    assert trainer.comparison == []
    assert trainer.waiting == ()


@pytest.mark.parametrize("end", ["stop", "fail", "die"])
async def test_a_campaign_ends_with_a_job_that_does_not(
    end: str, trainer: Trainer, workers: FakeWorkers
) -> None:
    campaign = trainer.undertake([Task(Recipe(seed=1), to_measure=True), Task(Recipe(seed=2))])
    await settled()
    workers.now.tell(*made.events(Recipe(seed=1)))
    await settled()
    if end == "stop":
        trainer.stop()
        workers.now.tell(Stopped(390))
    elif end == "fail":
        workers.now.tell(Failed("disk full"))
    else:
        workers.now.die("was killed by SIGKILL")
    await settled()
    assert (campaign.done, campaign.total, campaign.is_active, trainer.is_busy) == (1, 3, False, False)
    assert bool(campaign.reason) == (end != "stop")
    trainer.start(Recipe(seed=3))
    await settled()
    workers.now.tell(*made.events(Recipe(seed=3)))
    await settled()
    assert not trainer.is_busy  # nothing of the campaign comes after it


async def test_a_campaign_with_nothing_to_do(trainer: Trainer, workers: FakeWorkers) -> None:
    campaign = trainer.undertake([])
    await settled()
    assert (campaign.total, campaign.is_active, trainer.is_busy, workers.started) == (0, False, False, [])


async def test_a_search_and_its_suggestion(trainer: Trainer, workers: FakeWorkers) -> None:
    search = trainer.find(Recipe())
    await settled()
    assert workers.now.told == [Find(Recipe())]
    with pytest.raises(TrainerError, match="a search for a rate is active"):
        trainer.pause()
    workers.now.tell(*(event for event in made.search() if not isinstance(event, Suggested)))
    await settled()
    assert len(search.tried) == 80
    workers.now.tell(Suggested(0.02, 0.01, 0.005))
    await settled()
    assert search.suggestion == 0.01
    assert not trainer.is_busy
    assert trainer.current is None


async def test_a_exploration_grows_until_it_is_over(trainer: Trainer, workers: FakeWorkers) -> None:
    exploration = trainer.ablate("/runs/0001", 390, 4)
    assert (exploration.is_active, exploration.progress) == (True, (0, 0))
    await settled()
    assert workers.now.told == [Ablate("/runs/0001", 390, 4)]
    for again in (
        lambda: trainer.start(Recipe()),
        lambda: trainer.explore("/runs/0001"),
        lambda: trainer.explain("/runs/0001", None, 3, image=0),
        trainer.pause,
    ):
        with pytest.raises(TrainerError, match="a look into a run is active: x stops it"):
            again()
    workers.now.tell(Ablating(390, "d", 20, 4, 5, 2), Hidden(10, 9, (5, 8)))
    await settled()
    assert isinstance(exploration.found, Ablation)
    assert (exploration.progress, exploration.found.accuracy) == ((10, 20), 0.9)
    workers.now.tell(Hidden(20, 19, (10, 18)), Explored(0.5))
    await settled()
    assert exploration.state is State.FINISHED
    assert not trainer.is_busy
    assert trainer.exploration is exploration
    assert trainer.current is None


@pytest.mark.parametrize(
    ("end", "state"), [(Stopped(0), State.STOPPED), (Failed("no memory"), State.FAILED), (None, State.FAILED)]
)
async def test_a_exploration_that_ends_early(
    trainer: Trainer, workers: FakeWorkers, end: Message | None, state: State
) -> None:
    exploration = trainer.explore("/runs/0001")
    await settled()
    trainer.stop()
    assert workers.now.told == [Explore("/runs/0001"), Stop()]
    if end is None:
        workers.now.die()
    else:
        workers.now.tell(end)
    await settled()
    assert exploration.state is state
    assert not trainer.is_busy


# -- a worker that dies


async def test_a_replay_leaves_the_run_alone_and_gives_way_to_a_job(
    trainer: Trainer, workers: FakeWorkers
) -> None:
    replay = trainer.replay(REPLAY)
    assert not trainer.is_busy
    history = trainer.start(Recipe())
    await settled()
    assert workers.now.told == [REPLAY, Train(Recipe())]
    workers.now.tell(made.step(1), made.step(2), Replayed(2), *made.events(until=7))
    await settled()
    assert [*replay.told] == [1, 2]
    assert replay.is_over
    assert (history.step, len(history.steps)) == (7, 7)


async def test_a_replay_that_fails_says_why(trainer: Trainer, workers: FakeWorkers) -> None:
    replay = trainer.replay(REPLAY)
    await settled()
    workers.now.tell(Failed("no such run"))
    await settled()
    assert (replay.is_over, replay.reason) == (True, "no such run")
    lost = trainer.replay(REPLAY)
    workers.now.die("was killed by SIGKILL")
    await settled()
    assert (lost.is_over, lost.reason) == (True, "the training process was killed by SIGKILL")


async def test_a_dead_worker_is_told_of_and_replaced(trainer: Trainer, workers: FakeWorkers) -> None:
    history = trainer.start(Recipe())
    await settled()
    workers.now.tell(*made.events(until=7))
    workers.now.die("was killed by SIGKILL")
    await settled()
    assert history.state is State.FAILED
    assert history.reason == "the training process was killed by SIGKILL"
    assert history.step == 7
    assert workers.now.is_ended
    trainer.resume(history)
    await settled()
    assert len(workers.started) == 2
    assert workers.now.told == [Continue("/runs/0012")]


async def test_a_worker_that_cannot_be_started_is_told_of() -> None:
    async def refuse() -> module.WorkerHandle:
        raise OSError("no more processes")

    trainer = Trainer(start=refuse)
    history = trainer.start(Recipe())
    await settled()
    assert history.state is State.FAILED
    assert "no more processes" in history.reason
    await trainer.end()


async def test_whatever_ends_the_listening_ends_the_job(
    trainer: Trainer, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    history = trainer.start(Recipe())
    await settled()
    monkeypatch.setattr(history, "take", fail)
    workers.now.tell(made.begun())
    await settled()
    assert (history.state, trainer.is_busy) == (State.FAILED, False)
    assert history.reason == "the training process was given up: ZeroDivisionError: a bug"
    assert workers.now.is_ended
    gc.collect()
    assert told == ["Task exception was never retrieved"]  # a bug is not hushed up


# -- telling


async def test_listeners_are_told_ten_times_a_second_at_most(
    trainer: Trainer, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a clock of the test's own, which goes on by a millisecond with each event."""
    loop = asyncio.get_running_loop()
    now, told = loop.time(), list[float]()
    monkeypatch.setattr(loop, "time", lambda: now)
    trainer.listen(lambda: told.append(now))
    trainer.start(Recipe())
    await settled()
    workers.now.tell(made.begun())
    for number in range(1, 1001):
        workers.now.tell(replace(made.step(1), step=number))
        await asyncio.sleep(0)
        now += 0.001
        await settled() if number % 50 == 0 else await asyncio.sleep(0)
    calls = [later - earlier for earlier, later in pairwise(told[2:])]
    assert 8 <= len(told) <= 13
    assert min(calls) >= module.TOLD_EVERY - 0.001


async def test_a_turn_is_told_at_once(
    trainer: Trainer, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asyncio.Event()
    history = trainer.start(Recipe())
    await settled()
    workers.now.tell(*made.events(until=3))
    await asyncio.sleep(module.AT_ONCE * 2)
    trainer.listen(told.set)
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    workers.now.tell(Paused(3))
    while history.state is not State.PAUSED:
        await asyncio.sleep(0)
    assert trainer._timer is not None
    assert trainer._timer.when() <= now + module.AT_ONCE
    monkeypatch.undo()
    await asyncio.wait_for(told.wait(), 60)


async def test_a_flood_of_events_lets_others_have_their_turn(
    trainer: Trainer, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 0.0)
    history = trainer.start(Recipe())
    await settled()
    workers.now.tell(made.begun(), *(replace(made.step(1), step=number) for number in range(1, 501)))
    turns = 0
    while len(history.steps) < 500:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 500


def test_begun_is_a_turn() -> None:
    assert {Begun, Paused, Going, Stopped, Failed} < set(module._TURNS)
