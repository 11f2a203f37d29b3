"""Prove that wallets, books and events tell one story. Runs nightly and after every fault.

The invariants, by the names under which they are reported:

* I1 every journal entry sums to zero, and so does each currency as a whole
* I2 a wallet's balance is its last posting's `balance_after` and the sum of its postings
* I3 an account's postings chain: each balance follows, sequences are 1..n, time never runs back
* I4 every seal of the ledger fits its postings and the seal before it, and is the one whose head
  was told
* I5 no balance was ever below the overdraft limit; a CHECK forbids it where the engine has any
* I6 every movement has its events and every event its movement, of the same time
* I7 the topic of facts tells what the outbox has marked as told, byte for byte, and nothing else;
  only when it is asked for, because it reads the whole topic
* I8 a wallet's events are numbered 1..n without a gap, and n is the wallet's version; its first
  ones may be in the archive, which holds as many as are missing
* I9 what is marked as published has a place of its own in the log, and came after its fact
* I10 a key made one entry, or one refusal, or neither; unique indexes stand behind that
* I17 what a wallet holds is the sum of its active holds, none of which expires before the wallet
  expects it; a captured hold has its journal entry, of that amount
* I18 rows of append-only tables stay as they are: triggers are there, rights to change are not
"""

from __future__ import annotations

from wallets.verification.checks import check_some as check_some
from wallets.verification.proving import verify as verify
from wallets.verification.report import Finding as Finding
from wallets.verification.report import Report as Report
