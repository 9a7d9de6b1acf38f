"""The GMM-HMM baseline: topology, state-tying tree, statistics, the training ladder, graphs and their search."""
