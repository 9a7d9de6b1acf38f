"""Recurrent cells, one a file, and their registry."""
