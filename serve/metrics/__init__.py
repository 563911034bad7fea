"""What the service tells of itself in figures."""
