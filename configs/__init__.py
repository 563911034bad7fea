"""Every default, once, with a comment."""
