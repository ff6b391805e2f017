"""Definitions as code: read, validate, plan, apply."""
