"""What the user is looking at, as frozen values with pure transitions."""
