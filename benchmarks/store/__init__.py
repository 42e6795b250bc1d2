"""``kill -9`` at random moments of a sweep: nothing finished is lost or repeated."""
