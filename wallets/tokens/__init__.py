"""Bearer tokens that an issuer of the operator's signs: rules, the issuer's keys, the check."""
