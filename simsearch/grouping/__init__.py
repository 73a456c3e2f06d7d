"""Unsupervised groups of like pictures."""
