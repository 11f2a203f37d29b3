-- statement
DROP TRIGGER IF EXISTS back_office_duty_insert;
-- statement
DROP TRIGGER IF EXISTS back_office_duty_update;
-- statement
DROP TRIGGER IF EXISTS back_office_duty_rename;
-- statement: nobody is maker and checker; the lock makes two grants at once see each other
CREATE TRIGGER back_office_duty_insert BEFORE INSERT ON auth_user_groups FOR EACH ROW
BEGIN
  DECLARE found INT;
  SELECT id INTO found FROM auth_user WHERE id = NEW.user_id FOR UPDATE;
  SELECT COUNT(*) INTO found FROM auth_user_groups AS held
    JOIN auth_group AS had ON had.id = held.group_id
    JOIN auth_group AS gets ON gets.id = NEW.group_id
    WHERE held.user_id = NEW.user_id
      AND ((had.name = 'maker' AND gets.name = 'checker')
        OR (had.name = 'checker' AND gets.name = 'maker'))
    LOCK IN SHARE MODE;
  IF found > 0 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nobody is maker and checker';
  END IF;
END;
-- statement: nobody is maker and checker; the lock makes two grants at once see each other
CREATE TRIGGER back_office_duty_update BEFORE UPDATE ON auth_user_groups FOR EACH ROW
BEGIN
  DECLARE found INT;
  SELECT id INTO found FROM auth_user WHERE id = NEW.user_id FOR UPDATE;
  SELECT COUNT(*) INTO found FROM auth_user_groups AS held
    JOIN auth_group AS had ON had.id = held.group_id
    JOIN auth_group AS gets ON gets.id = NEW.group_id
    WHERE held.user_id = NEW.user_id AND held.id <> OLD.id
      AND ((had.name = 'maker' AND gets.name = 'checker')
        OR (had.name = 'checker' AND gets.name = 'maker'))
    LOCK IN SHARE MODE;
  IF found > 0 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nobody is maker and checker';
  END IF;
END;
-- statement: a role that changed its name would be out of the rule
CREATE TRIGGER back_office_duty_rename BEFORE UPDATE ON auth_group FOR EACH ROW
BEGIN
  IF NEW.name <> OLD.name AND (OLD.name IN ('maker', 'checker') OR NEW.name IN ('maker', 'checker'))
  THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'maker and checker keep their names';
  END IF;
END;
