-- statement
DROP TRIGGER IF EXISTS periods_close_no_update;
-- statement
DROP TRIGGER IF EXISTS periods_close_no_delete;
-- statement
DROP TRIGGER IF EXISTS periods_closingfigure_no_update;
-- statement
DROP TRIGGER IF EXISTS periods_closingfigure_no_delete;
-- statement
DROP TRIGGER IF EXISTS periods_reopening_no_update;
-- statement
DROP TRIGGER IF EXISTS periods_reopening_no_delete;
-- statement
DROP TRIGGER IF EXISTS periods_reopening_two_people;
