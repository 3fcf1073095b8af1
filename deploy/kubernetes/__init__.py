"""The manifests: one base, components, and an overlay for each tier; rendered and checked."""
