"""What the world was told and still has to be told, what consumers did and could not do."""

from events.admin.letters import ConsumedEventAdmin, DeadLetterAdmin
from events.admin.outbox import ArchivedFileAdmin, OutboxEventAdmin

__all__ = ["ArchivedFileAdmin", "ConsumedEventAdmin", "DeadLetterAdmin", "OutboxEventAdmin"]
