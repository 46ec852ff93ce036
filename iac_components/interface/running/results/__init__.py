"""What a run found, in words and as a page."""
