"""What is known of documents: sets of them, and what becomes of these."""
