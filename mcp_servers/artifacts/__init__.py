"""What is made elsewhere and decides here: signed, promoted by version, rolled back."""
