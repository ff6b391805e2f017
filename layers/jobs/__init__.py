"""Work that takes longer than an answer: taken in for its owner, done by a worker, asked for again later."""
