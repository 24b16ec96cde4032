//! Kubeconfig files: read, edit without touching what is not ours, lock, save atomically.
