"""AWS as code: CDK stacks, the templates made of them, and what both are held to."""
