"""A training process that is none: it tells what a test has it tell, and remembers what it was told."""

import asyncio
from collections.abc import AsyncIterator

from convtui.training.messages import Message


class FakeWorker:
    """Stands in for the client's Worker."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.cause = ""
        self.is_ended = self.has_left = self._is_over = False
        self._events: asyncio.Queue[Message | None] = asyncio.Queue()

    def send(self, message: Message) -> None:
        self.told.append(message)

    @property
    def has_more(self) -> bool:
        """Whether some of what it tells has not been heard yet."""
        return not self._is_over and not self._events.empty()

    async def events(self) -> AsyncIterator[Message]:
        while (event := await self._events.get()) is not None:
            yield event
        self._is_over = True

    def kill(self) -> None:
        self.die()

    def leave(self) -> None:
        self.has_left = True

    async def end(self) -> None:
        self.is_ended = True
        self._events.put_nowait(None)

    # -- what a test does with it

    def tell(self, *events: Message) -> None:
        for event in events:
            self._events.put_nowait(event)

    def die(self, cause: str = "was killed by SIGKILL") -> None:
        self.cause = cause
        self._events.put_nowait(None)


class FakeWorkers:
    """Starts fake workers; the last one started is `now`."""

    def __init__(self) -> None:
        self.started: list[FakeWorker] = []

    @property
    def now(self) -> FakeWorker:
        return self.started[-1]

    async def start(self) -> FakeWorker:
        self.started.append(FakeWorker())
        return self.now
