from __future__ import annotations

from events import broker as broker_module


def test_only_the_first_failure_halts_the_sender() -> None:
    class Sender:
        halted = 0

        def force_close(self) -> None:
            self.halted += 1

    sender = Sender()
    first = broker_module._FirstFailure(sender)
    cause = OSError("gone")

    first(cause)
    first(ValueError("aborted because of the first"))

    assert first.error is cause
    assert sender.halted == 1
