"""Evaluation: one module for each command ``evaluate``, each measuring on what nothing saw."""
