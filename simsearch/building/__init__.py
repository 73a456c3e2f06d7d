"""Make an index: encode, put together, fit, verify."""
