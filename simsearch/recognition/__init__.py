"""Which collection a picture belongs to, or none."""
