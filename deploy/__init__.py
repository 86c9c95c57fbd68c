"""Programs that deploy.sh and the Makefile run. They are not part of the function."""
