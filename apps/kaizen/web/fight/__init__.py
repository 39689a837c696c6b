"""The fight as pages show it: foretold, dressed up, and kept in step with the server."""
