-- statement
DROP TRIGGER IF EXISTS ledger_correction_no_update;
-- statement
DROP TRIGGER IF EXISTS ledger_correction_no_delete;
