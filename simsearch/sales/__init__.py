"""What was sold, when, for how much, and which sales say nothing about value."""
