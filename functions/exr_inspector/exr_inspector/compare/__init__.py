"""What differs between files: headers, pixels, sequences."""
