"""Questions that studios ask of a catalog, each a query in `sql/` with its prose and its parameters."""
