-- statement: a request begins undecided
CREATE TRIGGER approvals_approval_begins BEFORE INSERT ON approvals_approval
BEGIN
  SELECT RAISE(ABORT, 'a request begins undecided') WHERE NEW.status <> 'PENDING' OR NEW.decided_by IS NOT NULL OR NEW.decided_at IS NOT NULL
      OR NEW.finished_at IS NOT NULL OR NEW.transaction_id IS NOT NULL;
  SELECT RAISE(ABORT, 'a request needs a reason, a ticket and a subject') WHERE NEW.reason = '' OR NEW.ticket = '' OR NEW.subject = '';
  SELECT RAISE(ABORT, 'a request ends after it begins') WHERE NEW.expires_at <= NEW.requested_at;
  SELECT RAISE(ABORT, 'an amount is above zero') WHERE NEW.amount_minor <= 0;
END;
-- statement: what is asked for is frozen; another person decides, once, and in time
CREATE TRIGGER approvals_approval_moves BEFORE UPDATE ON approvals_approval
BEGIN
  SELECT RAISE(ABORT, 'what is asked for is frozen') WHERE NOT (NEW.id IS OLD.id AND NEW.kind IS OLD.kind
      AND NEW.client IS OLD.client AND NEW.subject IS OLD.subject
      AND NEW.payload IS OLD.payload AND NEW.payload_hash IS OLD.payload_hash
      AND NEW.amount_minor IS OLD.amount_minor AND NEW.currency IS OLD.currency
      AND NEW.reason IS OLD.reason AND NEW.ticket IS OLD.ticket
      AND NEW.requested_by IS OLD.requested_by AND NEW.requested_by_name IS OLD.requested_by_name
      AND NEW.requested_at IS OLD.requested_at AND NEW.expires_at IS OLD.expires_at);
  SELECT RAISE(ABORT, 'nobody decides about his own request') WHERE NEW.decided_by = NEW.requested_by;
  SELECT RAISE(ABORT, 'a request does not go that way') WHERE NOT (NEW.status IS OLD.status
      OR (OLD.status = 'PENDING' AND NEW.status IN ('APPROVED', 'REJECTED', 'EXPIRED', 'WITHDRAWN'))
      OR (OLD.status = 'APPROVED' AND NEW.status IN ('CARRIED_OUT', 'FAILED')));
  SELECT RAISE(ABORT, 'somebody has to decide') WHERE NEW.status IN ('APPROVED', 'REJECTED', 'CARRIED_OUT', 'FAILED')
      AND (NEW.decided_by IS NULL OR NEW.decided_at IS NULL);
  SELECT RAISE(ABORT, 'nobody has decided') WHERE NEW.status IN ('PENDING', 'EXPIRED', 'WITHDRAWN')
      AND (NEW.decided_by IS NOT NULL OR NEW.decided_at IS NOT NULL);
  SELECT RAISE(ABORT, 'the time to approve has passed') WHERE OLD.status = 'PENDING' AND NEW.status = 'APPROVED' AND NEW.decided_at >= NEW.expires_at;
  SELECT RAISE(ABORT, 'a decision is final') WHERE OLD.status <> 'PENDING' AND NOT (NEW.decided_by IS OLD.decided_by AND NEW.decided_by_name IS OLD.decided_by_name
      AND NEW.decided_at IS OLD.decided_at AND NEW.decision_note IS OLD.decision_note
      AND NEW.allowed IS OLD.allowed);
  SELECT RAISE(ABORT, 'what came of a request is final') WHERE OLD.status NOT IN ('PENDING', 'APPROVED') AND NOT (NEW.finished_at IS OLD.finished_at AND NEW.outcome IS OLD.outcome
      AND NEW.transaction_id IS OLD.transaction_id AND NEW.failure IS OLD.failure);
END;
-- statement
CREATE TRIGGER approvals_approval_no_delete BEFORE DELETE ON approvals_approval
BEGIN SELECT RAISE(ABORT, 'requests for approval are kept'); END;
