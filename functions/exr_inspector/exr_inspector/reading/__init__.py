"""Bytes to facts: sources, the header parser, values, the chunk table, OpenImageIO's view."""
