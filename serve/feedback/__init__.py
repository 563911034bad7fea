"""What the hotline system reports of a ticket after it was dispatched."""
