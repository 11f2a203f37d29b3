"""What a person reads when the service runs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deploy.starter import code
from deploy.starter.home import Home
from deploy.starter.service import ROLES

_CODE_NOW: Final = "python3 -m deploy.starter.code"
_JSON: Final = '-H "Content-Type: application/json"'


@dataclass(frozen=True)
class Greeting:
    """Holds what the text tells; `needs_key` puts the API key into its calls."""

    home: Home
    port: int
    demo: Mapping[str, str]
    needs_key: bool

    def text(self) -> str:
        """Write the text, with calls that work when they are pasted."""
        base = f"http://localhost:{self.port}"
        wallet = f"{base}/api/v1/wallets/{self.demo['DEMO_WALLET_ALICE']}"
        login = f"user {self.demo['DEMO_ADMIN_USER']}, password {self.demo['DEMO_ADMIN_PASSWORD']}"
        phone = code.uri_of(self.demo["DEMO_ADMIN_USER"], self.demo["DEMO_ADMIN_SECRET"])
        key = self.demo["DEMO_API_KEY"]
        deposit = '{"amount": "100.00", "referenceId": "dep123", "description": "Initial deposit"}'
        return "\n".join(
            (
                "",
                f"The wallet service runs at {base}",
                "",
                f"  Documentation  {base}/api/docs/",
                f"  Admin          {base}/admin/  ({login})",
                f"  Its code       {self._code_now()}  (or put this into an authenticator:)",
                f"                 {phone}",
                f"  More staff     {', '.join(ROLES)}: passwords in {self.home.demo_file},",
                "                 their codes as above, with the name behind",
                f"  API key        {key}" + ("" if self.needs_key else "  (not needed from here)"),
                f"  Data           {self.home.root}",
                f"  Logs           {self.home.logs}",
                "",
                "Create a wallet:",
                "",
                self._post(f"{base}/api/v1/wallets", '{"userId": "user123"}'),
                "",
                "Deposit 100.00 into Alice's:",
                "",
                self._post(f"{wallet}/deposit", deposit),
                "",
                "Her balance:",
                "",
                " ".join(("curl", *self._key(), f"{wallet}/balance")),
                "",
                "Ctrl-C stops it.",
                "",
            )
        )

    def _code_now(self) -> str:
        """Write the command that shows the admin's code; it has to find this service's folder."""
        named = os.environ.get("WALLET_HOME")
        return f"WALLET_HOME={shlex.quote(named)} {_CODE_NOW}" if named else _CODE_NOW

    def _post(self, url: str, body: str) -> str:
        lines = (f"curl -X POST {url}", *self._key(), _JSON, f"-d '{body}'")
        return " \\\n  ".join(lines)

    def _key(self) -> tuple[str, ...]:
        if not self.needs_key:
            return ()
        return (f'-H "Authorization: Bearer {self.demo["DEMO_API_KEY"]}"',)
