//! Keys, certificates and the identity inside them. No I/O.
