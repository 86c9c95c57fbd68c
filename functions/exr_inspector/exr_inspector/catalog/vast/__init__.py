"""The store in VAST DataBase."""
