"""What the claims about speed rest on.

`make bench` runs the main comparison, `make bench-all` all of them, and docs/performance.md shows what they found. Each
is one command: `python -m benchmarks.NAME`, for apply, options, scale, reads, startup and validate.
"""
