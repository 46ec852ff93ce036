"""Trained cells of a network that meets another scanner: truth to replay searches on."""
