"""Scores: alignment of token sequences, error rates, intervals, tests."""
