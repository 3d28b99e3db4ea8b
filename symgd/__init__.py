"""symgd."""
