//! The Kubernetes listener: mTLS in, impersonation out.
