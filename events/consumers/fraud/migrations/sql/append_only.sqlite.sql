-- statement: what staff did about an alert is never changed
CREATE TRIGGER fraud_alert_act_no_update BEFORE UPDATE ON fraud_alert_act
BEGIN SELECT RAISE(ABORT, 'fraud_alert_act is append-only'); END;
-- statement: nor removed
CREATE TRIGGER fraud_alert_act_no_delete BEFORE DELETE ON fraud_alert_act
BEGIN SELECT RAISE(ABORT, 'fraud_alert_act is append-only'); END;
