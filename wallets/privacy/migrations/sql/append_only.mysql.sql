-- statement: who had personal data erased or handed out is never changed
CREATE TRIGGER privacy_privacyrecord_no_update BEFORE UPDATE ON privacy_privacyrecord FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'privacy_privacyrecord is append-only';
-- statement: nor removed
CREATE TRIGGER privacy_privacyrecord_no_delete BEFORE DELETE ON privacy_privacyrecord FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'privacy_privacyrecord is append-only';
