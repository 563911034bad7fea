"""The tree of a city's areas, and every name they go by."""
