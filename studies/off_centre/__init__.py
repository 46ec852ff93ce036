"""A released network on volumes that lie away from the middle of their slices."""
