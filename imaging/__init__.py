"""Pixels and where they are: series, volumes, masks, phases; no clinical meaning."""
