"""A network as a graph of operations: what each computes, reads and costs, whoever made the graph.

Fields, masks, costs and the post-mortem are written once, over this form. numpy only.
"""
