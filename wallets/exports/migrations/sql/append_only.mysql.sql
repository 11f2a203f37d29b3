-- statement: a statement that was issued is never changed
CREATE TRIGGER exports_issuedstatement_no_update BEFORE UPDATE ON exports_issuedstatement FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'exports_issuedstatement is append-only';
-- statement: nor removed
CREATE TRIGGER exports_issuedstatement_no_delete BEFORE DELETE ON exports_issuedstatement FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'exports_issuedstatement is append-only';
