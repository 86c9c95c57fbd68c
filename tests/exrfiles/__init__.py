"""OpenEXR files made by the test suite itself; nothing here shares code with the product's parser."""
