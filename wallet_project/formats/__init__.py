"""How pages write times: as people in finance compare them, with their zone."""
