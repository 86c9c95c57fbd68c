"""Queries of the pages: typed functions from a snapshot's reader to values, without markup."""
