"""The page where an operator pastes a ticket and sees the answer, in Chinese."""
