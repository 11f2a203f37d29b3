-- statement: a refusal is final for its key; rows may only be removed when they are past their time
CREATE TRIGGER wallets_refusal_no_update BEFORE UPDATE ON wallets_refusal
BEGIN SELECT RAISE(ABORT, 'wallets_refusal is append-only'); END;
