"""What happens to grants: proposed, compared, applied."""
