"""Many runs over versions of packages: the matrix, and what changed between two."""
