"""Tiles that are kept on disk, and drawn ahead of being asked for."""
