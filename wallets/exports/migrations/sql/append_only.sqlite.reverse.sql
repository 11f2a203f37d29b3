-- statement
DROP TRIGGER IF EXISTS exports_issuedstatement_no_update;
-- statement
DROP TRIGGER IF EXISTS exports_issuedstatement_no_delete;
