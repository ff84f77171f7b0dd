"""One file for each learned part that the toolbox trains on simulated worlds."""
