"""The one door to PostGIS."""
