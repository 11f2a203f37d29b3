"""What banks and payment providers say, held against the books line by line."""
