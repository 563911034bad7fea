"""Past tickets that say much the same, and the units that took them."""
