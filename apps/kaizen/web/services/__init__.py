"""What the pages share: each service is made once for a page, and ends with it."""
