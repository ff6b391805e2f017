"""Who may see what: grants, principals, decisions. Pure."""
