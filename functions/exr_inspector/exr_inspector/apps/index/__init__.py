"""Bring a store up to date with roots: list, compare, inspect changed files, delete rows of deleted files."""
