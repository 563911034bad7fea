"""The page that shows how far the tickets moved away from those of weeks before."""
