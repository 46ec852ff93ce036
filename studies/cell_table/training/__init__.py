"""Trainings of a table: the backbone, its features, the networks with cells, their scores."""
