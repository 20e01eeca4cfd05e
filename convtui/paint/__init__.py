"""How values become characters and colours, and the panes that draw what they are given."""
