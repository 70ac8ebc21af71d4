"""The version of this package: the only place where it is written."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
