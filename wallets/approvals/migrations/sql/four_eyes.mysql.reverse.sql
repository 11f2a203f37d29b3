-- statement
DROP TRIGGER IF EXISTS approvals_approval_begins;
-- statement
DROP TRIGGER IF EXISTS approvals_approval_moves;
-- statement
DROP TRIGGER IF EXISTS approvals_approval_no_delete;
