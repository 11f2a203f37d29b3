"""Ten mistakes that cost money, made on purpose in a copy of the tree: each has to turn red."""
