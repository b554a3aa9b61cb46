"""Messages of an audit in the reader's language."""
