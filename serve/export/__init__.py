"""What people decided, as a training file and as a table to look at."""
