"""The databases behind the seam :mod:`migrate_spec.store`: one module for each kind."""
