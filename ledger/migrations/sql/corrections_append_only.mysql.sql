-- statement: which entry corrects which is never changed
CREATE TRIGGER ledger_correction_no_update BEFORE UPDATE ON ledger_correction FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_correction is append-only';
-- statement: nor removed
CREATE TRIGGER ledger_correction_no_delete BEFORE DELETE ON ledger_correction FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_correction is append-only';
