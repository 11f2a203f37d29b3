-- statement: which entry took back which is never changed
CREATE TRIGGER ledger_reversal_no_update BEFORE UPDATE ON ledger_reversal
BEGIN SELECT RAISE(ABORT, 'ledger_reversal is append-only'); END;
-- statement: nor removed
CREATE TRIGGER ledger_reversal_no_delete BEFORE DELETE ON ledger_reversal
BEGIN SELECT RAISE(ABORT, 'ledger_reversal is append-only'); END;
