-- statement
DROP TRIGGER IF EXISTS back_office_duty_insert;
-- statement
DROP TRIGGER IF EXISTS back_office_duty_update;
-- statement
DROP TRIGGER IF EXISTS back_office_duty_rename;
-- statement: nobody is maker and checker
CREATE TRIGGER back_office_duty_insert BEFORE INSERT ON auth_user_groups
WHEN EXISTS (
  SELECT 1 FROM auth_user_groups AS held
    JOIN auth_group AS had ON had.id = held.group_id
    JOIN auth_group AS gets ON gets.id = NEW.group_id
    WHERE held.user_id = NEW.user_id
      AND ((had.name = 'maker' AND gets.name = 'checker')
        OR (had.name = 'checker' AND gets.name = 'maker'))
)
BEGIN SELECT RAISE(ABORT, 'nobody is maker and checker'); END;
-- statement: nobody is maker and checker
CREATE TRIGGER back_office_duty_update BEFORE UPDATE ON auth_user_groups
WHEN EXISTS (
  SELECT 1 FROM auth_user_groups AS held
    JOIN auth_group AS had ON had.id = held.group_id
    JOIN auth_group AS gets ON gets.id = NEW.group_id
    WHERE held.user_id = NEW.user_id AND held.id <> OLD.id
      AND ((had.name = 'maker' AND gets.name = 'checker')
        OR (had.name = 'checker' AND gets.name = 'maker'))
)
BEGIN SELECT RAISE(ABORT, 'nobody is maker and checker'); END;
-- statement: a role that changed its name would be out of the rule
CREATE TRIGGER back_office_duty_rename BEFORE UPDATE ON auth_group
WHEN NEW.name <> OLD.name AND (OLD.name IN ('maker', 'checker') OR NEW.name IN ('maker', 'checker'))
BEGIN SELECT RAISE(ABORT, 'maker and checker keep their names'); END;
