"""A policy that builds a pipeline step by step, trained on branches that were really run."""
