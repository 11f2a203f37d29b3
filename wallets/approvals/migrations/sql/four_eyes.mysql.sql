-- statement: a request begins undecided
CREATE TRIGGER approvals_approval_begins BEFORE INSERT ON approvals_approval FOR EACH ROW
BEGIN
  IF NEW.status <> 'PENDING' OR NEW.decided_by IS NOT NULL OR NEW.decided_at IS NOT NULL
      OR NEW.finished_at IS NOT NULL OR NEW.transaction_id IS NOT NULL
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a request begins undecided';
  ELSEIF NEW.reason = '' OR NEW.ticket = '' OR NEW.subject = ''
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a request needs a reason, a ticket and a subject';
  ELSEIF NEW.expires_at <= NEW.requested_at
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a request ends after it begins';
  ELSEIF NEW.amount_minor <= 0
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an amount is above zero';
  END IF;
END;
-- statement: what is asked for is frozen; another person decides, once, and in time
CREATE TRIGGER approvals_approval_moves BEFORE UPDATE ON approvals_approval FOR EACH ROW
BEGIN
  IF NOT (NEW.id <=> OLD.id AND BINARY NEW.kind <=> BINARY OLD.kind
      AND NEW.client <=> OLD.client AND BINARY NEW.subject <=> BINARY OLD.subject
      AND BINARY NEW.payload <=> BINARY OLD.payload AND NEW.payload_hash <=> OLD.payload_hash
      AND NEW.amount_minor <=> OLD.amount_minor AND BINARY NEW.currency <=> BINARY OLD.currency
      AND BINARY NEW.reason <=> BINARY OLD.reason AND BINARY NEW.ticket <=> BINARY OLD.ticket
      AND NEW.requested_by <=> OLD.requested_by AND BINARY NEW.requested_by_name <=> BINARY OLD.requested_by_name
      AND NEW.requested_at <=> OLD.requested_at AND NEW.expires_at <=> OLD.expires_at)
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what is asked for is frozen';
  ELSEIF NEW.decided_by = NEW.requested_by
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nobody decides about his own request';
  ELSEIF NOT (NEW.status <=> OLD.status
      OR (OLD.status = 'PENDING' AND NEW.status IN ('APPROVED', 'REJECTED', 'EXPIRED', 'WITHDRAWN'))
      OR (OLD.status = 'APPROVED' AND NEW.status IN ('CARRIED_OUT', 'FAILED')))
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a request does not go that way';
  ELSEIF NEW.status IN ('APPROVED', 'REJECTED', 'CARRIED_OUT', 'FAILED')
      AND (NEW.decided_by IS NULL OR NEW.decided_at IS NULL)
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'somebody has to decide';
  ELSEIF NEW.status IN ('PENDING', 'EXPIRED', 'WITHDRAWN')
      AND (NEW.decided_by IS NOT NULL OR NEW.decided_at IS NOT NULL)
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nobody has decided';
  ELSEIF OLD.status = 'PENDING' AND NEW.status = 'APPROVED' AND NEW.decided_at >= NEW.expires_at
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the time to approve has passed';
  ELSEIF OLD.status <> 'PENDING' AND NOT (NEW.decided_by <=> OLD.decided_by AND BINARY NEW.decided_by_name <=> BINARY OLD.decided_by_name
      AND NEW.decided_at <=> OLD.decided_at AND BINARY NEW.decision_note <=> BINARY OLD.decision_note
      AND BINARY NEW.allowed <=> BINARY OLD.allowed)
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a decision is final';
  ELSEIF OLD.status NOT IN ('PENDING', 'APPROVED') AND NOT (NEW.finished_at <=> OLD.finished_at AND BINARY NEW.outcome <=> BINARY OLD.outcome
      AND NEW.transaction_id <=> OLD.transaction_id AND BINARY NEW.failure <=> BINARY OLD.failure)
  THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what came of a request is final';
  END IF;
END;
-- statement
CREATE TRIGGER approvals_approval_no_delete BEFORE DELETE ON approvals_approval FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'requests for approval are kept';
