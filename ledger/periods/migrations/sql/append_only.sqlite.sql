-- statement: that a month was closed is never changed
CREATE TRIGGER periods_close_no_update BEFORE UPDATE ON periods_close
BEGIN SELECT RAISE(ABORT, 'periods_close is append-only'); END;
-- statement: nor removed
CREATE TRIGGER periods_close_no_delete BEFORE DELETE ON periods_close
BEGIN SELECT RAISE(ABORT, 'periods_close is append-only'); END;
-- statement: what a closed month came to is never changed
CREATE TRIGGER periods_closingfigure_no_update BEFORE UPDATE ON periods_closingfigure
BEGIN SELECT RAISE(ABORT, 'periods_closingfigure is append-only'); END;
-- statement: nor removed
CREATE TRIGGER periods_closingfigure_no_delete BEFORE DELETE ON periods_closingfigure
BEGIN SELECT RAISE(ABORT, 'periods_closingfigure is append-only'); END;
-- statement: that a month was opened again is never changed
CREATE TRIGGER periods_reopening_no_update BEFORE UPDATE ON periods_reopening
BEGIN SELECT RAISE(ABORT, 'periods_reopening is append-only'); END;
-- statement: nor removed
CREATE TRIGGER periods_reopening_no_delete BEFORE DELETE ON periods_reopening
BEGIN SELECT RAISE(ABORT, 'periods_reopening is append-only'); END;
-- statement: who asks for opening a month again is not who allows it
CREATE TRIGGER periods_reopening_two_people BEFORE INSERT ON periods_reopening
WHEN NEW.actor = NEW.approved_by
BEGIN SELECT RAISE(ABORT, 'opening a month again takes two people'); END;
