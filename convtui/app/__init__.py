"""The app around the pages: which page is shown, and the session that they share."""
