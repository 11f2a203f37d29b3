-- statement
DROP TRIGGER IF EXISTS ledger_seal_no_update;
-- statement
DROP TRIGGER IF EXISTS ledger_seal_no_delete;
