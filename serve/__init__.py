"""Everything that listens: the API, the pages, the command line."""
