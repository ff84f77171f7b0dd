"""What a scan looks like: pictures of it and words about it in one space."""
