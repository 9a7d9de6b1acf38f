"""Orthography: normalization, tokenizers, lexicon, grapheme-to-phoneme."""
