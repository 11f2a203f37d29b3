-- statement
CREATE TRIGGER ledger_ledgerproof_no_update BEFORE UPDATE ON ledger_ledgerproof FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_ledgerproof is append-only';
-- statement
CREATE TRIGGER ledger_ledgerproof_no_delete BEFORE DELETE ON ledger_ledgerproof FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_ledgerproof is append-only';
