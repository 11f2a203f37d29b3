-- statement
DROP TRIGGER IF EXISTS back_office_duty_insert;
-- statement
DROP TRIGGER IF EXISTS back_office_duty_update;
-- statement
DROP TRIGGER IF EXISTS back_office_duty_rename;
