"""A package of release 1.0 that now holds one import path; use `exr_inspector.compat` instead."""
