"""Two worlds that differ only where nobody under test may look, and what everybody gets to see of them."""
