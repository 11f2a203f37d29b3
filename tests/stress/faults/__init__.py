"""Parts are killed while money moves, and the books are held against what clients were told."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.checks", f"{__name__}.load")
