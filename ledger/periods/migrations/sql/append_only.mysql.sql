-- statement: that a month was closed is never changed
CREATE TRIGGER periods_close_no_update BEFORE UPDATE ON periods_close FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'periods_close is append-only';
-- statement: nor removed
CREATE TRIGGER periods_close_no_delete BEFORE DELETE ON periods_close FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'periods_close is append-only';
-- statement: what a closed month came to is never changed
CREATE TRIGGER periods_closingfigure_no_update BEFORE UPDATE ON periods_closingfigure FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'periods_closingfigure is append-only';
-- statement: nor removed
CREATE TRIGGER periods_closingfigure_no_delete BEFORE DELETE ON periods_closingfigure FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'periods_closingfigure is append-only';
-- statement: that a month was opened again is never changed
CREATE TRIGGER periods_reopening_no_update BEFORE UPDATE ON periods_reopening FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'periods_reopening is append-only';
-- statement: nor removed
CREATE TRIGGER periods_reopening_no_delete BEFORE DELETE ON periods_reopening FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'periods_reopening is append-only';
-- statement: who asks for opening a month again is not who allows it
CREATE TRIGGER periods_reopening_two_people BEFORE INSERT ON periods_reopening FOR EACH ROW
  BEGIN IF NEW.actor = NEW.approved_by THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'opening a month again takes two people';
  END IF; END;
