"""Rows and where they go: tables, the store protocol, DuckDB, VAST DataBase."""
