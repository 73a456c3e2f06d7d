"""Classifiers of whole pictures: named networks side by side with the project's own answers."""
