"""Files that hold a user's work: sessions, what is kept for a restart, crash reports."""
