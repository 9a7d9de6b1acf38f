"""Scores and transcripts to pages and tables."""
