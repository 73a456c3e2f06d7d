"""Pages: one module for each command ``evaluate``, from its result to a report."""
