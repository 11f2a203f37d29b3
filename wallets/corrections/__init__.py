"""What the finance desk may ask for: adjustments, reversals, and what takes two persons besides.

Each file is one kind of request (`wallets/approvals`); `wallets/approval_kinds.py` registers them.
"""
