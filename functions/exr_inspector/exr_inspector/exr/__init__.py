"""OpenEXR files: bytes to facts, without I/O."""
