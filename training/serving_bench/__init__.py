"""The serving benchmark: Paidan and its peers as processes, under load from a process of its own."""
