"""The page: what a browser shows of an index, one module for each panel."""
