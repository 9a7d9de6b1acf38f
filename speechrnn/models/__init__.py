"""Recurrent layers, encoder, heads."""
