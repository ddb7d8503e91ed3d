"""A run for the servers that run tests: JUnit's XML, and GitHub's annotations and step summary."""
