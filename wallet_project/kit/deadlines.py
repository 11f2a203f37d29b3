"""Time limits of an event loop's callers: one timer for all limits of the same length."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self


class Deadlines:
    """Grants every caller so many seconds. Belongs to the loop in which it is first used.

    Like `asyncio.timeout`, which makes a timer for each use: thousands a second, of which hardly
    one ever rings. Limits of one length end in the order in which they began, so one timer, set for
    the oldest, is enough.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.running: dict[Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def limit(self) -> Deadline:
        """Limit what is awaited within; use as a context.

        :raises TimeoutError: from the context, when the time is up; what was awaited is cancelled.
        """
        return Deadline(self)

    def start_timer(self, loop: asyncio.AbstractEventLoop, ends: float) -> None:
        """Have the timer ring for the oldest limit, if it does not run yet."""
        if self._timer is None:
            self._timer = loop.call_at(ends, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        moment = loop.time()
        # A copy: a context that ends leaves the table.
        for deadline in list(self.running):
            if deadline.ends > moment:
                self.start_timer(loop, deadline.ends)
                return
            deadline.pass_()


class Deadline:
    """One use of a time limit."""

    __slots__ = ("_cancelled_before", "_is_past", "_of", "_task", "ends")

    def __init__(self, of: Deadlines) -> None:
        self._of = of
        self._is_past = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] | None = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("A deadline limits a task.")
        self._task = task
        self._cancelled_before = task.cancelling()
        self.ends = loop.time() + self._of.seconds
        self._of.running[self] = None
        self._of.start_timer(loop, self.ends)
        return self

    def pass_(self) -> None:
        """Cancel what is awaited: the time is up."""
        del self._of.running[self]
        self._is_past = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_past:
            del self._of.running[self]
            return
        # Somebody else may have cancelled the task as well; then that is what happened.
        if self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error
