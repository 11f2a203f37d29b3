"""Show bytes that should be JSON, and may be anything."""

from __future__ import annotations

import json

from django.utils.html import format_html
from django.utils.safestring import SafeString


def shown(payload: bytes) -> SafeString:
    """Indent JSON; show what is none as it is."""
    return format_html('<pre class="verbatim">{}</pre>', _readable(payload))


def _readable(payload: bytes) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:  # not JSON, or not even text
        return payload.decode(errors="backslashreplace")
