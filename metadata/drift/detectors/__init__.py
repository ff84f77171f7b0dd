"""Detectors: each in a file of its own, found by their contract test."""
