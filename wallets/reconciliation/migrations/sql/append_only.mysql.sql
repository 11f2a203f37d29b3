-- statement: a file that was loaded is evidence
CREATE TRIGGER reconciliation_statementfile_no_update BEFORE UPDATE ON reconciliation_statementfile FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_statementfile is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_statementfile_no_delete BEFORE DELETE ON reconciliation_statementfile FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_statementfile is append-only';
-- statement: and so are its bytes
CREATE TRIGGER reconciliation_filecontent_no_update BEFORE UPDATE ON reconciliation_filecontent FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_filecontent is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_filecontent_no_delete BEFORE DELETE ON reconciliation_filecontent FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_filecontent is append-only';
-- statement: a line says for ever what the bank has said
CREATE TRIGGER reconciliation_statementline_no_update BEFORE UPDATE ON reconciliation_statementline FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_statementline is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_statementline_no_delete BEFORE DELETE ON reconciliation_statementline FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_statementline is append-only';
-- statement: what staff wrote is never changed
CREATE TRIGGER reconciliation_itemnote_no_update BEFORE UPDATE ON reconciliation_itemnote FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_itemnote is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_itemnote_no_delete BEFORE DELETE ON reconciliation_itemnote FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_itemnote is append-only';
-- statement: a match stays to be read
CREATE TRIGGER reconciliation_match_no_update BEFORE UPDATE ON reconciliation_match FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_match is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_match_no_delete BEFORE DELETE ON reconciliation_match FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_match is append-only';
-- statement: with everything in it
CREATE TRIGGER reconciliation_matchpart_no_update BEFORE UPDATE ON reconciliation_matchpart FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_matchpart is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_matchpart_no_delete BEFORE DELETE ON reconciliation_matchpart FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_matchpart is append-only';
-- statement: and its end stays ended
CREATE TRIGGER reconciliation_matchend_no_update BEFORE UPDATE ON reconciliation_matchend FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_matchend is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_matchend_no_delete BEFORE DELETE ON reconciliation_matchend FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_matchend is append-only';
-- statement: a result is what came out then
CREATE TRIGGER reconciliation_run_no_update BEFORE UPDATE ON reconciliation_run FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_run is append-only';
-- statement: nor is it removed
CREATE TRIGGER reconciliation_run_no_delete BEFORE DELETE ON reconciliation_run FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'reconciliation_run is append-only';
