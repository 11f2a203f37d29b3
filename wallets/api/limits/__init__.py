"""The route that tells what may leave a wallet still."""
