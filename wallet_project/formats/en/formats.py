"""Django reads these names; what is not here it takes from its own file for English."""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
# The zone never stands alone on a line.
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i:s\N{NO-BREAK SPACE}T"
