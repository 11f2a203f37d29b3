-- statement
DROP TRIGGER IF EXISTS ledger_reversal_no_update;
-- statement
DROP TRIGGER IF EXISTS ledger_reversal_no_delete;
