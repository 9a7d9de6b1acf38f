"""The three words that every model of sentences knows."""

from __future__ import annotations

UNKNOWN = "<unk>"
"""Stands for every word outside the vocabulary."""
BEGIN = "<s>"
"""The history of a sentence's first word; never predicted."""
END = "</s>"
"""Predicted after a sentence's last word."""
RESERVED = (UNKNOWN, BEGIN, END)
