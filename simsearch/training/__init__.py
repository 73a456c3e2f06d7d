"""Training: networks learned from collections. PyTorch is imported where it is used."""
