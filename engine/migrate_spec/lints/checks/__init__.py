"""The checks: each is a module that is called as the code of what it finds."""
