//! The gate: who you are, what you may, and the way to Kubernetes.
