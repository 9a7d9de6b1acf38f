"""A trained network over recordings of any length: windows, streams, and the pieces that are decoded."""
