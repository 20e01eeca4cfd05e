"""`convtui serve`: the app in a browser, each visitor in a confined process of their own."""
