"""A made-up year of a made-up company, told through the ordinary write path."""
