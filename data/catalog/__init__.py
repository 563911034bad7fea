"""The dispatch catalog (派单目录): its entries and files, how it is checked, compared and drafted."""
