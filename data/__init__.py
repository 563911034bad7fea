"""The nouns of dispatch, and every file format that comes in."""
