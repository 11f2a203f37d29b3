-- statement: accounts never change
CREATE TRIGGER ledger_account_no_update BEFORE UPDATE ON ledger_account
BEGIN SELECT RAISE(ABORT, 'ledger_account is append-only'); END;
-- statement
CREATE TRIGGER ledger_account_no_delete BEFORE DELETE ON ledger_account
BEGIN SELECT RAISE(ABORT, 'ledger_account is append-only'); END;
-- statement
CREATE TRIGGER ledger_posting_no_update BEFORE UPDATE ON ledger_posting
BEGIN SELECT RAISE(ABORT, 'ledger_posting is append-only'); END;
-- statement
CREATE TRIGGER ledger_posting_no_delete BEFORE DELETE ON ledger_posting
BEGIN SELECT RAISE(ABORT, 'ledger_posting is append-only'); END;
-- statement: the one change allowed is erasure of personal text (description, metadata, its salt)
CREATE TRIGGER ledger_journalentry_only_erasure BEFORE UPDATE ON ledger_journalentry
WHEN NOT (NEW.id IS OLD.id AND NEW.kind IS OLD.kind
    AND NEW.idempotency_key IS OLD.idempotency_key AND NEW.request_hash IS OLD.request_hash
    AND NEW.client IS OLD.client AND NEW.actor IS OLD.actor
    AND NEW.reference IS OLD.reference AND NEW.channel IS OLD.channel
    AND NEW.note_hash IS OLD.note_hash AND NEW.reverses IS OLD.reverses
    AND NEW.posted_at IS OLD.posted_at AND NEW.value_date IS OLD.value_date
    AND (NEW.description IS NULL OR NEW.description IS OLD.description)
    AND (NEW.metadata IS NULL OR NEW.metadata IS OLD.metadata)
    AND (NEW.note_salt IS NULL OR NEW.note_salt IS OLD.note_salt))
BEGIN SELECT RAISE(ABORT, 'ledger_journalentry is append-only'); END;
-- statement
CREATE TRIGGER ledger_journalentry_no_delete BEFORE DELETE ON ledger_journalentry
BEGIN SELECT RAISE(ABORT, 'ledger_journalentry is append-only'); END;
