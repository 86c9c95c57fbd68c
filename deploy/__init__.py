"""Programs behind deploy.sh and the Makefile. None of them is part of the function."""
