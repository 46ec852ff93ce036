"""A released network at a new scanner: what adapters gain, and whether the right one is chosen."""
