"""What the service remembers: SQLAlchemy tables on SQLite or PostgreSQL."""
