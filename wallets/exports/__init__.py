"""Statements of wallets as documents: issued, proven later, and exported in the background."""
