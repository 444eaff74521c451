"""The HTML report, its figures and overlays."""
