"""Searches on the table's tasks: what each criterion finds, trained as the table's cells are."""
