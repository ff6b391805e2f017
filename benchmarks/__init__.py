"""Each benchmark prints a ratio against a baseline of the same run. Absolute times are of one machine only."""
