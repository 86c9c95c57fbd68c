"""Checks: files and sequences are judged by policies, and reported."""
