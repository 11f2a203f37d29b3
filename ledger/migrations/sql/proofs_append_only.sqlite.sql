-- statement
CREATE TRIGGER ledger_ledgerproof_no_update BEFORE UPDATE ON ledger_ledgerproof
BEGIN SELECT RAISE(ABORT, 'ledger_ledgerproof is append-only'); END;
-- statement
CREATE TRIGGER ledger_ledgerproof_no_delete BEFORE DELETE ON ledger_ledgerproof
BEGIN SELECT RAISE(ABORT, 'ledger_ledgerproof is append-only'); END;
