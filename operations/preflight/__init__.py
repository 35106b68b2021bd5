"""What would stop a deployment into an account, found before anything is made; read-only."""
