"""Vectors that tell which renders are alike, and why."""
