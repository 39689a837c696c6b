"""What a table's documents must look like: validators, tables, and the checks compiled from them. Pure."""
