"""Every outer edge: HTTP, pages, command line, notebook client."""
