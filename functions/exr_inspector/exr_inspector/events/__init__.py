"""Events of every form, translated into requests."""
