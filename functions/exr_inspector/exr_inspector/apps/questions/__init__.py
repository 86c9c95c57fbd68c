"""Common questions about a catalog, each a query in `sql/` with its description and parameters."""
