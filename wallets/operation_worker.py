"""What Kafka says of accepted operations, and what is done then."""

from __future__ import annotations

from collections.abc import Sequence

from events.consumer import Event
from wallets.operations import _messages
from wallets.operations.apply_operations import apply_operations


def handle(events: Sequence[Event]) -> None:
    """Apply the operations that these messages are about; repeats and old ones have no effect.

    Keeps its own transactions. The inbox is the operations' own status.

    :raises Undecodable: if a message is about no operation.
    """
    apply_operations(
        {_messages.operation_of(event.value) for event in events if event.type == _messages.TYPE}
    )
