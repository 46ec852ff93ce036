"""Studies: how this project's own claims were measured. Nothing in the package imports this."""
