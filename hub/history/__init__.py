"""History: what was accepted becomes durable, then merged history; charts, gaps and energy are read from it."""
