"""What callers ask at the same moment is computed together and logged with one write; nobody waits for company."""

from __future__ import annotations

import asyncio

from serving.predicting import Question, Told, answer_all

MOST = 64  # requests in one computation: the event loop is not held up for longer


class Batcher:
    """Answers small questions on the event loop: all that stand in the queue when it gets to them."""

    def __init__(self) -> None:
        self._queue: list[tuple[Question, asyncio.Future[Told]]] = []

    @property
    def depth(self) -> int:
        """How many questions wait at this moment."""
        return len(self._queue)

    def ask(self, question: Question) -> asyncio.Future[Told]:
        """The answer, once it is in the log. Raises Refused."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Told] = loop.create_future()
        if not self._queue:
            # After all that is ready to run now: what came in the same moment stands in the queue by then.
            loop.call_soon(self._drain)
        self._queue.append((question, future))
        return future

    def _drain(self) -> None:
        queue, self._queue = self._queue[:MOST], self._queue[MOST:]
        if self._queue:
            asyncio.get_running_loop().call_soon(self._drain)
        told = answer_all([question for question, _future in queue])
        for (_question, future), found in zip(queue, told, strict=True):
            if future.done():
                continue  # the caller hung up
            if isinstance(found, Exception):
                future.set_exception(found)
            else:
                future.set_result(found)
