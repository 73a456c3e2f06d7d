"""An index as files: its manifest, its arrays, and how they are replaced in one step."""
