-- statement
DROP TRIGGER IF EXISTS wallets_refusal_no_update;
