"""What of the wallets' business takes a second person; imported at the start by `approvals`."""

from wallets import reopening as reopening
from wallets import stopping as stopping
from wallets.approvals.registry import register
from wallets.corrections.adjustments import ADJUSTMENT
from wallets.corrections.plan_limits import PLAN_LIMITS
from wallets.corrections.plans import PLAN_CHANGE
from wallets.corrections.rebuilds import REBUILD
from wallets.corrections.reversals import REVERSAL
from wallets.corrections.unfreezing import UNFREEZING

for kind in (ADJUSTMENT, REVERSAL, UNFREEZING, PLAN_CHANGE, PLAN_LIMITS, REBUILD):
    register(kind)
