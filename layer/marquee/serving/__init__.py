"""What only the API needs: forms, answers, the taste portrait and the title search."""
