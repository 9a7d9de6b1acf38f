"""Posteriors to tokens with times and confidences: arrays in, records out."""
