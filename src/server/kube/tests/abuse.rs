//! What no well-behaved client does over HTTP/2.
