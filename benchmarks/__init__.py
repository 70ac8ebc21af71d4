"""What the claims about speed rest on. Each module is one command; `make bench` runs them."""
