"""Who may do what: people who sign in, programs with keys, and a log of what they did."""
