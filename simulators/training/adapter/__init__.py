"""A new segmentation tool from a user's own labelled slices: a frozen backbone with adapters."""
