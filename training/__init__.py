"""Tickets and a catalog to a new artifact."""
