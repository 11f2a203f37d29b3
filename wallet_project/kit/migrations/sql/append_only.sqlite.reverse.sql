-- statement
DROP TRIGGER IF EXISTS kit_audit_record_no_update;
-- statement
DROP TRIGGER IF EXISTS kit_audit_record_no_delete;
