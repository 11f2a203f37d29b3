-- statement: which entry took back which is never changed
CREATE TRIGGER ledger_reversal_no_update BEFORE UPDATE ON ledger_reversal FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_reversal is append-only';
-- statement: nor removed
CREATE TRIGGER ledger_reversal_no_delete BEFORE DELETE ON ledger_reversal FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_reversal is append-only';
