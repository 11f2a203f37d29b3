"""The record of who had personal data erased or exported, when, why, and how much it was."""
