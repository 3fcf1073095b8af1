"""How the halves are put on machines: images, manifests, and the checks of both."""
