"""Bring a store up to date with roots: list, compare, inspect what differs, drop what is gone."""
