"""Promising pipelines tried on one slice, and a judge of what they give, before one is chosen."""
