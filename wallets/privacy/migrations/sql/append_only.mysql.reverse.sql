-- statement
DROP TRIGGER IF EXISTS privacy_privacyrecord_no_update;
-- statement
DROP TRIGGER IF EXISTS privacy_privacyrecord_no_delete;
