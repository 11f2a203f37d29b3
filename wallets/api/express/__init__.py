"""The express lane: the hot routes on one event loop, without a thread for each call.

The second binding of the API. It holds no rule: what a route asks for stands with the reference
binding's views, what a call means stands in the functions that both bindings call. See
`docs/architecture.md`, "Two bindings".
"""
