"""Everything is broken by a seeded timetable while money moves; then every promise is checked."""

import pytest

pytest.register_assert_rewrite(
    f"{__name__}.checks", f"{__name__}.sql_checks", f"{__name__}.clients", f"{__name__}.manners"
)
