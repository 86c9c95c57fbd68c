"""Pixel statistics: read chunks by ranges, decode them in a helper process, accumulate exactly."""
