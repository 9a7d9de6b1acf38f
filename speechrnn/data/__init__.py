"""Corpora, importers, manifests, the plan of an epoch; the only room that knows Lhotse."""
