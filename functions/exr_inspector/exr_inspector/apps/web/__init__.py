"""The catalog in the browser: `exr-inspector browse` serves the pages, from a snapshot that it only reads."""
