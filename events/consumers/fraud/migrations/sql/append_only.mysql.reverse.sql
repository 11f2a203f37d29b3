-- statement
DROP TRIGGER IF EXISTS fraud_alert_act_no_update;
-- statement
DROP TRIGGER IF EXISTS fraud_alert_act_no_delete;
