"""What people and programs can do: each flow is a sequence of transactions, with slow work between them."""
