-- statement: a file that was loaded is evidence
CREATE TRIGGER reconciliation_statementfile_no_update BEFORE UPDATE ON reconciliation_statementfile
BEGIN SELECT RAISE(ABORT, 'reconciliation_statementfile is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_statementfile_no_delete BEFORE DELETE ON reconciliation_statementfile
BEGIN SELECT RAISE(ABORT, 'reconciliation_statementfile is append-only'); END;
-- statement: and so are its bytes
CREATE TRIGGER reconciliation_filecontent_no_update BEFORE UPDATE ON reconciliation_filecontent
BEGIN SELECT RAISE(ABORT, 'reconciliation_filecontent is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_filecontent_no_delete BEFORE DELETE ON reconciliation_filecontent
BEGIN SELECT RAISE(ABORT, 'reconciliation_filecontent is append-only'); END;
-- statement: a line says for ever what the bank has said
CREATE TRIGGER reconciliation_statementline_no_update BEFORE UPDATE ON reconciliation_statementline
BEGIN SELECT RAISE(ABORT, 'reconciliation_statementline is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_statementline_no_delete BEFORE DELETE ON reconciliation_statementline
BEGIN SELECT RAISE(ABORT, 'reconciliation_statementline is append-only'); END;
-- statement: what staff wrote is never changed
CREATE TRIGGER reconciliation_itemnote_no_update BEFORE UPDATE ON reconciliation_itemnote
BEGIN SELECT RAISE(ABORT, 'reconciliation_itemnote is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_itemnote_no_delete BEFORE DELETE ON reconciliation_itemnote
BEGIN SELECT RAISE(ABORT, 'reconciliation_itemnote is append-only'); END;
-- statement: a match stays to be read
CREATE TRIGGER reconciliation_match_no_update BEFORE UPDATE ON reconciliation_match
BEGIN SELECT RAISE(ABORT, 'reconciliation_match is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_match_no_delete BEFORE DELETE ON reconciliation_match
BEGIN SELECT RAISE(ABORT, 'reconciliation_match is append-only'); END;
-- statement: with everything in it
CREATE TRIGGER reconciliation_matchpart_no_update BEFORE UPDATE ON reconciliation_matchpart
BEGIN SELECT RAISE(ABORT, 'reconciliation_matchpart is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_matchpart_no_delete BEFORE DELETE ON reconciliation_matchpart
BEGIN SELECT RAISE(ABORT, 'reconciliation_matchpart is append-only'); END;
-- statement: and its end stays ended
CREATE TRIGGER reconciliation_matchend_no_update BEFORE UPDATE ON reconciliation_matchend
BEGIN SELECT RAISE(ABORT, 'reconciliation_matchend is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_matchend_no_delete BEFORE DELETE ON reconciliation_matchend
BEGIN SELECT RAISE(ABORT, 'reconciliation_matchend is append-only'); END;
-- statement: a result is what came out then
CREATE TRIGGER reconciliation_run_no_update BEFORE UPDATE ON reconciliation_run
BEGIN SELECT RAISE(ABORT, 'reconciliation_run is append-only'); END;
-- statement: nor is it removed
CREATE TRIGGER reconciliation_run_no_delete BEFORE DELETE ON reconciliation_run
BEGIN SELECT RAISE(ABORT, 'reconciliation_run is append-only'); END;
