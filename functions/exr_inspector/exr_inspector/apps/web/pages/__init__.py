"""The pages: each handler takes a View and returns a response."""
