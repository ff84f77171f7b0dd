"""A graph network that predicts quality, seconds and memory of pipelines before anything runs."""
