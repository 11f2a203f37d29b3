-- statement: a statement that was issued is never changed
CREATE TRIGGER exports_issuedstatement_no_update BEFORE UPDATE ON exports_issuedstatement
BEGIN SELECT RAISE(ABORT, 'exports_issuedstatement is append-only'); END;
-- statement: nor removed
CREATE TRIGGER exports_issuedstatement_no_delete BEFORE DELETE ON exports_issuedstatement
BEGIN SELECT RAISE(ABORT, 'exports_issuedstatement is append-only'); END;
