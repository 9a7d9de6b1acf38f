"""Waveforms to frames; the only room that imports torchaudio."""
