"""Recognise the traits that a picture shows, one recogniser for each collection."""
