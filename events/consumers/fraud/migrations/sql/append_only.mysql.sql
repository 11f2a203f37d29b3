-- statement: what staff did about an alert is never changed
CREATE TRIGGER fraud_alert_act_no_update BEFORE UPDATE ON fraud_alert_act FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'fraud_alert_act is append-only';
-- statement: nor removed
CREATE TRIGGER fraud_alert_act_no_delete BEFORE DELETE ON fraud_alert_act FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'fraud_alert_act is append-only';
