"""One writer and one reader per transcript format."""
