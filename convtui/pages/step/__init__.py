"""The Step page: the window slides, products are made and added, and the output fills up."""
