"""A run as the issue of one upstream: whose it is, what is known already, what is asked, where to file it."""
