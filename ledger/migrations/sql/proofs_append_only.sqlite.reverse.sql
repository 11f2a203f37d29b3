-- statement
DROP TRIGGER IF EXISTS ledger_ledgerproof_no_update;
-- statement
DROP TRIGGER IF EXISTS ledger_ledgerproof_no_delete;
