"""Meridian's database at version 1: a real system's records to try migrations on."""
