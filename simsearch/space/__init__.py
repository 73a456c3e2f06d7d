"""From descriptors to searchable vectors, and to the traits that a picture shows."""
