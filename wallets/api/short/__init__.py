"""The short dialect, `/v1/wallet/…`: wallets by name, numbers as amounts, errors of its own."""
