"""Rows, and the stores that keep them."""
