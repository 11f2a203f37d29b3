-- statement: what was done in the back office is never changed
CREATE TRIGGER kit_audit_record_no_update BEFORE UPDATE ON kit_audit_record
BEGIN SELECT RAISE(ABORT, 'kit_audit_record is append-only'); END;
-- statement: nor removed
CREATE TRIGGER kit_audit_record_no_delete BEFORE DELETE ON kit_audit_record
BEGIN SELECT RAISE(ABORT, 'kit_audit_record is append-only'); END;
