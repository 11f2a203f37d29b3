-- statement: accounts never change
CREATE TRIGGER ledger_account_no_update BEFORE UPDATE ON ledger_account FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_account is append-only';
-- statement
CREATE TRIGGER ledger_account_no_delete BEFORE DELETE ON ledger_account FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_account is append-only';
-- statement
CREATE TRIGGER ledger_posting_no_update BEFORE UPDATE ON ledger_posting FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_posting is append-only';
-- statement
CREATE TRIGGER ledger_posting_no_delete BEFORE DELETE ON ledger_posting FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_posting is append-only';
-- statement: the one change allowed is erasure of personal text (description, metadata, its salt)
CREATE TRIGGER ledger_journalentry_only_erasure BEFORE UPDATE ON ledger_journalentry FOR EACH ROW
BEGIN
  IF NOT (NEW.id <=> OLD.id AND NEW.kind <=> OLD.kind
      AND NEW.idempotency_key <=> OLD.idempotency_key AND NEW.request_hash <=> OLD.request_hash
      AND NEW.client <=> OLD.client AND NEW.actor <=> OLD.actor
      AND BINARY NEW.reference <=> BINARY OLD.reference AND NEW.channel <=> OLD.channel
      AND NEW.note_hash <=> OLD.note_hash AND NEW.reverses <=> OLD.reverses
      AND NEW.posted_at <=> OLD.posted_at AND NEW.value_date <=> OLD.value_date
      AND (NEW.description IS NULL OR BINARY NEW.description <=> BINARY OLD.description)
      AND (NEW.metadata IS NULL OR NEW.metadata <=> OLD.metadata)
      AND (NEW.note_salt IS NULL OR NEW.note_salt <=> OLD.note_salt)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_journalentry is append-only';
  END IF;
END;
-- statement
CREATE TRIGGER ledger_journalentry_no_delete BEFORE DELETE ON ledger_journalentry FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_journalentry is append-only';
