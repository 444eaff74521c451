"""Figures drawn from results only (matplotlib, deterministic)."""
