-- statement: what was done in the back office is never changed
CREATE TRIGGER kit_audit_record_no_update BEFORE UPDATE ON kit_audit_record FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'kit_audit_record is append-only';
-- statement: nor removed
CREATE TRIGGER kit_audit_record_no_delete BEFORE DELETE ON kit_audit_record FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'kit_audit_record is append-only';
