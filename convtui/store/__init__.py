"""Files that hold a user's work: sessions, recovery files, crash reports."""
