"""One module for each page; importing it registers the page."""
