"""What a table says: what is there to find, and who found it."""
