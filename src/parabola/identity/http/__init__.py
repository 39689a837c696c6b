"""HTTP: what goes where, who may ask, and how an answer looks on the wire."""
