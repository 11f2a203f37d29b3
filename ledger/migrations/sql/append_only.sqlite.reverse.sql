-- statement
DROP TRIGGER IF EXISTS ledger_account_no_update;
-- statement
DROP TRIGGER IF EXISTS ledger_account_no_delete;
-- statement
DROP TRIGGER IF EXISTS ledger_posting_no_update;
-- statement
DROP TRIGGER IF EXISTS ledger_posting_no_delete;
-- statement
DROP TRIGGER IF EXISTS ledger_journalentry_only_erasure;
-- statement
DROP TRIGGER IF EXISTS ledger_journalentry_no_delete;
