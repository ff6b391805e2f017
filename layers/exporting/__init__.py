"""Rows of a relation as files of other programs: a batch at a time, the same bytes for the same rows."""
