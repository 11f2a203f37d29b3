"""The way of a payout: held, sent to the gateway, captured or released."""
