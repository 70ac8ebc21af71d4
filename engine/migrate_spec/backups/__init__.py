"""What can be done with backups: one module for each."""
