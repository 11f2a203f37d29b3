-- statement
DROP TRIGGER IF EXISTS reconciliation_statementfile_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_statementfile_no_delete;
-- statement
DROP TRIGGER IF EXISTS reconciliation_filecontent_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_filecontent_no_delete;
-- statement
DROP TRIGGER IF EXISTS reconciliation_statementline_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_statementline_no_delete;
-- statement
DROP TRIGGER IF EXISTS reconciliation_itemnote_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_itemnote_no_delete;
-- statement
DROP TRIGGER IF EXISTS reconciliation_match_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_match_no_delete;
-- statement
DROP TRIGGER IF EXISTS reconciliation_matchpart_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_matchpart_no_delete;
-- statement
DROP TRIGGER IF EXISTS reconciliation_matchend_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_matchend_no_delete;
-- statement
DROP TRIGGER IF EXISTS reconciliation_run_no_update;
-- statement
DROP TRIGGER IF EXISTS reconciliation_run_no_delete;
