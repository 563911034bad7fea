"""A candidate that scores live tickets unseen, before anybody depends on it."""
