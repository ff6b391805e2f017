"""Changes of single features by callers with the right to edit: one change, one revision."""
