-- statement: which entry corrects which is never changed
CREATE TRIGGER ledger_correction_no_update BEFORE UPDATE ON ledger_correction
BEGIN SELECT RAISE(ABORT, 'ledger_correction is append-only'); END;
-- statement: nor removed
CREATE TRIGGER ledger_correction_no_delete BEFORE DELETE ON ledger_correction
BEGIN SELECT RAISE(ABORT, 'ledger_correction is append-only'); END;
