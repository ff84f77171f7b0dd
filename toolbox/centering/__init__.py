"""Finding the rotation axis: evidence by several methods, weighed into one answer."""

from toolbox.centering.estimate import Finding, estimate_center, examine

__all__ = ["Finding", "estimate_center", "examine"]
