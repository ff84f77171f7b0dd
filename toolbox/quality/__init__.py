"""Measures of quality that need no reference, each a pure function of slices or sinograms."""
