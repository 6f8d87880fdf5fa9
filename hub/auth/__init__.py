"""Who may do what: principals, passwords, tokens, rights."""
