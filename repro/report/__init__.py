"""Reports that get read: a run as Markdown that is ready for an issue."""
