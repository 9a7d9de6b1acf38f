"""Training under PyTorch Lightning."""
