-- statement: seals never change
CREATE TRIGGER ledger_seal_no_update BEFORE UPDATE ON ledger_seal FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_seal is append-only';
-- statement
CREATE TRIGGER ledger_seal_no_delete BEFORE DELETE ON ledger_seal FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_seal is append-only';
